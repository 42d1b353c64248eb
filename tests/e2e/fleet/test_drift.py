"""What was changed by hand is found and mended, and nothing else is touched."""

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for

from rollcall.config.settings import Settings

LABELS = "{{range $k, $v := .Config.Labels}}--label {{$k}}={{$v}} {{end}}"
# nginx-1 as a person would make it again by hand, with all of its labels, but for what the case adds.
RUN_AGAIN = (
    f"docker inspect nginx-1 --format '{LABELS}' >/tmp/labels; docker rm -f nginx-1;"
    "docker run -d --name nginx-1 --hostname nginx-1 --network rollcall --restart always "
    "-p 10.77.0.22:20000-20999:80 -p 10.77.0.22:21000-21999:443 "
    "--user 101:101 --cap-drop ALL --security-opt no-new-privileges --read-only --memory 64m --pids-limit 128 "
    "--tmpfs /run/nginx:uid=101,gid=101,mode=0700,size=16m "
    "-v /etc/rollcall/backend:/etc/nginx/rollcall:ro $(cat /tmp/labels) "
)
# Another image with nginx in it.
FRONT = Settings().front.image
NGINX = "nginx -c /etc/nginx/rollcall/nginx.conf -g 'daemon off;'"

CASES = {
    "removed": ("docker rm -f nginx-1", "create container nginx-1"),
    "stopped": ("docker stop nginx-1", "start container nginx-1 (state: exited → running)"),
    "paused": ("docker pause nginx-1", "unpause container nginx-1 (state: paused → running)"),
    "environment": (
        f"{RUN_AGAIN} -e SERVICE_NAME=other nginx:1.30 {NGINX}",
        "environment.SERVICE_NAME: 'other' → 'nginx'",
    ),
    "network taken away": (
        "docker network disconnect --force rollcall nginx-1",
        "replace container nginx-1 (network: 'not attached' → 'rollcall'; ports: [] → [80:",
    ),
    "another network": (
        "docker network connect bridge nginx-1",
        "replace container nginx-1 (network: 'bridge, rollcall' → 'rollcall')",
    ),
    "rights": (f"{RUN_AGAIN} --cap-add NET_ADMIN nginx:1.30 {NGINX}", "add_capabilities: [NET_ADMIN] → []"),
    "image": (f"{RUN_AGAIN} {FRONT} {NGINX}", f"image: '{FRONT}' → 'nginx:1.30'"),
    "image under the same name": (
        f"docker pull -q {FRONT} && docker tag nginx:1.30 kept && docker tag {FRONT} nginx:1.30 &&"
        "docker tag kept nginx:1.30-real &&"
        f"{RUN_AGAIN} nginx:1.30 {NGINX}; docker tag kept nginx:1.30; docker rmi kept nginx:1.30-real",
        "image id: ",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_only_a_changed_container_is_corrected(fleet: Fleet, case: str) -> None:
    before = fleet.all_containers()
    command, sentence = CASES[case]
    fleet.on("app2", command)
    assert sentence in rollcall("deploy", "--dry", LAB)
    run = fleet.deploy()
    assert run.changed == {"app2"}
    after = fleet.all_containers()
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} <= {"app2/nginx-1"}
    assert fleet.deploy().changed == set()
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


@pytest.mark.parametrize(
    ("host", "change", "sentence", "replaced"),
    [
        ("consul2", "echo 'log_level = \"INFO\"' >> /etc/rollcall/consul/10-agent.hcl", "sha256", set()),
        ("app1", "chmod 644 /etc/rollcall/consul/20-gossip.json", "mode: 0644 → 0600", set()),
        ("front1", "rm /etc/rollcall/front/nginx.conf", "create file /etc/rollcall/front/nginx.conf", set()),
        ("app2", "sed -i 1d /etc/resolv.conf", "write first line of /etc/resolv.conf", set()),
        ("app2", "touch /etc/rollcall/left-here", "remove file /etc/rollcall/left-here", set()),
        ("app1", "docker run -d --name old --label rollcall.managed=backend nginx:1.30", "remove container old", set()),
    ],
)
def test_only_a_changed_file_is_corrected(
    fleet: Fleet, host: str, change: str, sentence: str, replaced: set[str]
) -> None:
    before = fleet.all_containers()
    fleet.on(host, change)
    assert sentence in rollcall("deploy", "--dry", LAB)
    assert fleet.deploy().changed == {host}
    after = fleet.all_containers()
    assert {name for name in before if before[name] != after[name]} == replaced
    assert after.keys() == before.keys()
    assert fleet.deploy().changed == set()
