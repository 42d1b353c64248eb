"""The paths of the front's files inside its container."""

from pathlib import Path

from rollcall.contract import access_log

# Written by a deploy; mounted from the host, read only.
CONFIGURATION = Path("/etc/rollcall/front")
SETTINGS = CONFIGURATION / "front.json"
TOKEN = CONFIGURATION / "token"
SITES_TEMPLATE = CONFIGURATION / "sites.conf.j2"
STREAMS_TEMPLATE = CONFIGURATION / "streams.conf.j2"
# A volume with the generations, so that a new container starts with the last good one.
STATE = Path("/var/lib/rollcall/front")
# The sites' certificates that nginx reads.
CERTIFICATES = STATE / "certificates"
# The serving front passes its listening sockets to its successor here; both containers mount the volume meanwhile.
HANDOVER_SOCKET = STATE / "handover.sock"
# In memory: empty after each start of the container.
RUN = Path("/run/rollcall/front")
# Written by consul-template.
CATALOG = RUN / "staging" / "catalog.json"
# nginx writes the access log to the link, which leads to the file in the host's folder as long as that can be opened.
ACCESS_LOG_FOLDER = Path(access_log.FOLDER)
ACCESS_LOG = RUN / access_log.NAME
# nginx responds here inside the container only: /generation and /status (stub_status).
NGINX_SOCKET = RUN / "nginx.sock"
# The first process of the container takes commands here: apply, reload, render, status, health.
CONTROL_SOCKET = RUN / "control.sock"
# nginx appends a line per proxied request. The program counts them each second and frees the counted part.
COUNTED_LOG = RUN / "counted.log"
