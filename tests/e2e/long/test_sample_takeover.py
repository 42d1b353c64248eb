"""The sample containers as versions up to 0.3 ran them become services without a failed request."""

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for
from visitor import crowded

from rollcall.lab.layout import HOSTS

ADDRESSES = {host.name: host.address for host in HOSTS if host.name in ("app1", "app2")}
# With the files of today's container, in the folder that those versions had; then as their `docker run`.
FORMER = """
set -e
old=/etc/rollcall/backend
mkdir -p $old/tls
docker network inspect rollcall >/dev/null 2>&1 || docker network create --label rollcall.managed=network rollcall
docker inspect {name} --format '{{{{range .Mounts}}}}{{{{.Source}}}} {{{{.Destination}}}}{{{{println}}}}{{{{end}}}}' |
  while read -r source target; do [ -z "$source" ] || cp -p "$source" "$old/${{target#/etc/nginx/rollcall/}}"; done
chown -R 101:101 $old
docker rm -f {name}
docker run -d --name {name} --hostname {name} --network rollcall --restart always \
  -p {address}:20000-20999:80 -p {address}:21000-21999:443 --user 101:101 --cap-drop ALL \
  --security-opt no-new-privileges --read-only --memory 64m --pids-limit 128 \
  --tmpfs /run/nginx:uid=101,gid=101,mode=0700,size=16m -v $old:/etc/nginx/rollcall:ro \
  --label rollcall.managed=backend --label rollcall.spec=former \
  -e SERVICE_NAME={service} -e SERVICE_80_TAGS=http -e SERVICE_443_TAGS=https -e SERVICE_80_CHECK_HTTP=/health \
  -e SERVICE_443_CHECK_HTTPS=/health -e SERVICE_443_CHECK_TLS_SKIP_VERIFY=true -e SERVICE_CHECK_INTERVAL=5s \
  -e SERVICE_CHECK_TIMEOUT=2s -e SERVICE_CHECK_INITIAL_STATUS=passing \
  nginx:1.30 nginx -c /etc/nginx/rollcall/nginx.conf -g 'daemon off;'
"""
CONTAINERS = ("webserver-1", "webserver-2", "nginx-1")


@pytest.fixture
def former(fleet: Fleet) -> None:
    for host, address in ADDRESSES.items():
        for name in CONTAINERS:
            fleet.on(host, FORMER.format(name=name, address=address, service=name.rpartition("-")[0]))
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 60)


@pytest.mark.usefixtures("former")
def test_they_are_released_and_what_they_had_is_removed(fleet: Fleet) -> None:
    with crowded(new=4, lasting=16) as crowd:
        said = rollcall("deploy", LAB)
        wait_for("visitors after it", lambda asked=crowd.asked: crowd.asked > asked + 100)
    assert said.count("component: 'backend' → 'services'") == len(BACKENDS)
    assert crowd.failed == [], crowd.account
    assert answering() == BACKENDS
    for host in ADDRESSES:
        left = "ls -d /etc/rollcall/backend; docker network ls -q --filter name=^rollcall$; docker ps -aq --filter "
        assert fleet.on(host, f"{left} label=rollcall.managed=backend", check=False) == ""
    assert fleet.deploy().changed == set()
