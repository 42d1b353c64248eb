"""What was changed by hand is found and corrected, and nothing else is touched.

Changes that are independent of each other happen at once, one to a container: a deploy corrects them all.
"""

from dataclasses import dataclass

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for

from rollcall.config.settings import Settings
from rollcall.lab.layout import HOSTS

ADDRESSES = {host.name: host.address for host in HOSTS}
LABELS = "{{range $k, $v := .Config.Labels}}--label {{$k}}={{$v}} {{end}}"
MOUNTS = "{{range .Mounts}}-v {{.Source}}:{{.Destination}}:ro {{end}}"
# A web container as a person would make it again by hand, with all of its labels, but for what the case adds.
RUN_AGAIN = (
    f"docker inspect CONTAINER --format '{LABELS}' >/tmp/labels;"
    f"docker inspect CONTAINER --format '{MOUNTS}' >/tmp/mounts;"
    "docker inspect CONTAINER --format '{{.Config.Image}}' >/tmp/image; docker rm -f CONTAINER;"
    "docker run -d --name CONTAINER --hostname CONTAINER --network services --restart always "
    "-p ADDRESS:22000-22999:80 -p ADDRESS:23000-23999:443 "
    "--user 101:101 --cap-drop ALL --security-opt no-new-privileges --read-only --memory 64m --pids-limit 128 "
    "--tmpfs /run/nginx:size=16m,mode=1777 --tmpfs /tmp:size=64m,mode=1777 $(cat /tmp/mounts) $(cat /tmp/labels) "
)
# Another image with nginx in it.
FRONT = Settings().front.image
NGINX = "nginx -c /etc/nginx/rollcall/nginx.conf -g 'daemon off;'"


@dataclass(frozen=True)
class Change:
    """What somebody did by hand on a host, and what a dry run says of it."""

    host: str
    container: str
    command: str
    sentence: str

    @property
    def typed(self) -> str:
        return self.command.replace("CONTAINER", self.container).replace("ADDRESS", ADDRESSES[self.host])

    @property
    def said(self) -> str:
        return self.sentence.replace("CONTAINER", self.container)


def of_a_file(host: str, command: str, sentence: str) -> Change:
    return Change(host, "", command, sentence)


AT_ONCE = {
    "state and settings": (
        Change("app1", "webserver-1", "docker rm -f CONTAINER", "create container CONTAINER"),
        Change(
            *("app1", "nginx-1", f"{RUN_AGAIN} -e SERVICE_NAME=other $(cat /tmp/image) {NGINX}"),
            "environment.SERVICE_NAME: 'other' → 'nginx'",
        ),
        Change(
            *("app2", "webserver-1", "docker stop CONTAINER"),
            "start container CONTAINER (state: exited → running)",
        ),
        Change(
            *("app2", "nginx-1", f"{RUN_AGAIN} --cap-add NET_ADMIN $(cat /tmp/image) {NGINX}"),
            "add_capabilities: [NET_ADMIN] → []",
        ),
    ),
    "networks and image": (
        Change(
            *("app1", "webserver-1", "docker pause CONTAINER"),
            "unpause container CONTAINER (state: paused → running)",
        ),
        Change("app1", "nginx-1", f"{RUN_AGAIN} {FRONT} {NGINX}", f"image: '{FRONT}' → 'nginx:1.30@sha256:"),
        Change(
            *("app2", "webserver-1", "docker network connect bridge CONTAINER"),
            "replace container CONTAINER (network: 'bridge, services' → 'services'; start-first)",
        ),
        Change(
            *("app2", "nginx-1", "docker network disconnect --force services CONTAINER"),
            "replace container CONTAINER (network: 'not attached' → 'services'; ports: [] → [80:",
        ),
    ),
    "files and an image under the same name": (
        Change(
            *("app2", "socket-filter"),
            # Its image's tag leads to another image by now, with the same in it.
            "made=$(docker create nginx:1.30) && docker commit $made nginx:1.30 && docker rm $made",
            "image id: ",
        ),
        of_a_file("consul2", "echo 'log_level = \"INFO\"' >> /etc/rollcall/consul/10-agent.hcl", "sha256"),
        of_a_file("app1", "chmod 644 /etc/rollcall/consul/20-gossip.json", "mode: 0644 → 0600"),
        of_a_file("front1", "rm /etc/rollcall/front/nginx.conf", "create file /etc/rollcall/front/nginx.conf"),
        of_a_file("app2", "sed -i 1d /etc/resolv.conf", "write first line of /etc/resolv.conf"),
        of_a_file("app2", "touch /etc/rollcall/left-here", "remove file /etc/rollcall/left-here"),
        of_a_file(
            *("app1", "docker run -d --name old --label rollcall.managed=former nginx:1.30"), "remove container old"
        ),
    ),
}


@pytest.mark.parametrize("case", AT_ONCE)
def test_only_what_was_changed_is_corrected(fleet: Fleet, case: str) -> None:
    changes = AT_ONCE[case]
    before = fleet.all_containers()
    for change in changes:
        fleet.on(change.host, change.typed)
    shown = rollcall("deploy", "--dry", LAB).splitlines()
    unsaid = [change for change in changes if not any(change.host in line and change.said in line for line in shown)]
    assert not unsaid, "\n".join(shown)
    touched = sorted({change.host for change in changes})
    assert f"A deploy would change {len(touched)} hosts ({', '.join(touched)})" in "\n".join(shown)
    assert fleet.deploy().changed == set(touched)
    after = fleet.all_containers()
    assert after.keys() == before.keys()
    changed = {f"{change.host}/{change.container}" for change in changes if change.container}
    assert {name for name in before if before[name] != after[name]} <= changed
    assert fleet.deploy().changed == set()
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
