"""Where the front's files are, inside its container."""

from pathlib import Path

# Mounted from the host, read only: what a deploy writes.
CONFIGURATION = Path("/etc/rollcall/front")
SETTINGS = CONFIGURATION / "front.json"
TOKEN = CONFIGURATION / "token"
SITES_TEMPLATE = CONFIGURATION / "sites.conf.j2"
# A volume: the generations, so that a new container begins with the last good one.
STATE = Path("/var/lib/rollcall/front")
# The front that serves gives its listening sockets to its successor here; two containers have this volume for a while.
HANDOVER_SOCKET = STATE / "handover.sock"
# In memory: nothing in it is of an earlier life of the container.
RUN = Path("/run/rollcall/front")
# What consul-template writes.
CATALOG = RUN / "staging" / "catalog.json"
# nginx answers here, and only inside the container: /generation and /status (stub_status).
NGINX_SOCKET = RUN / "nginx.sock"
# The first process of the container takes orders here: apply, reload, render, status, health.
CONTROL_SOCKET = RUN / "control.sock"
# nginx adds a line for each request that it passed on; counted each second, and what was counted takes no memory.
COUNTED_LOG = RUN / "counted.log"
