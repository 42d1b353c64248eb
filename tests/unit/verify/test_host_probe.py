"""Parse a host's probe, from real output of the command."""

import base64
import subprocess
from pathlib import Path

import pytest

from rollcall.verify import host_probe
from rollcall.verify.dns_message import Answer, answer

# The datagram that an agent with two instances returned for nginx-80.service.consul.
TWO_ADDRESSES = bytes.fromhex(
    "010785800001000200000000086e67696e782d383007736572766963650"
    "6636f6e73756c0000010001c00c00010001000000000004c0a80a0bc00c00010001000000000004c0a80a0c"
)
UNKNOWN = bytes.fromhex("010785830001000000000000" + "047a7a7a7a06636f6e73756c0000010001")


def test_responses_are_parsed() -> None:
    two = answer(TWO_ADDRESSES, "nginx-80.service.consul")
    assert two == Answer("NOERROR", frozenset({"192.168.10.11", "192.168.10.12"}))
    assert answer(UNKNOWN, "zzzz.consul") == Answer("NXDOMAIN", frozenset())


def test_a_response_to_another_query_is_refused() -> None:
    with pytest.raises(ValueError, match=r"queried web\.service\.consul, .* response is for nginx-80"):
        answer(TWO_ADDRESSES, "web.service.consul")


@pytest.mark.parametrize("length", [0, 11, 30, len(TWO_ADDRESSES) - 1])
def test_a_truncated_response_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="truncated"):
        answer(TWO_ADDRESSES[:length], "nginx-80.service.consul")


def test_sections_are_parsed() -> None:
    output = f"""@@rollcall containers
{{"Name": "/web", "State": {{"Status": "running"}}, "Config": {{"Labels": {{"rollcall.managed": "backend"}}}}}}
@@rollcall system
a.service.consul 10.0.0.1 a.service.consul 10.0.0.2 a.service.consul
other.invalid
@@rollcall inside
@@rollcall bridge
agent 172.17.0.1 200
nameservers 8.8.8.8 8.8.4.4
a.service.consul 10.0.0.1 a.service.consul
@@rollcall firewall
ufw
@@rollcall agent
nginx-80.service.consul {base64.b64encode(TWO_ADDRESSES).decode()}
b.service.consul
@@rollcall before
@@rollcall end
"""
    seen = host_probe.parse(output)
    assert seen.component("backend") == seen.containers[0]
    assert seen.component("front") is None
    assert seen.system == {"a.service.consul": {"10.0.0.1", "10.0.0.2"}, "other.invalid": frozenset()}
    assert seen.agent["b.service.consul"] is None
    assert (seen.bridge, seen.firewall) == ({"a.service.consul": {"10.0.0.1"}}, "ufw")
    assert (seen.gateway, seen.reached) == ("172.17.0.1", True)
    assert seen.nameservers == ("8.8.8.8", "8.8.4.4")


@pytest.mark.parametrize("said", ["agent 172.17.0.1 000", "docker: no such network"])
def test_an_agent_unreachable_from_the_default_bridge(said: str) -> None:
    output = f"@@rollcall containers\n@@rollcall bridge\n{said}\n@@rollcall end\n"
    assert not host_probe.parse(output).reached


def test_truncated_output_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        host_probe.parse("@@rollcall containers\n")


def test_a_container_that_only_tests_names_resolves_them_on_the_default_bridge() -> None:
    bridge = "agent 172.17.0.1 200\nnameservers 172.17.0.1\na.service.consul 10.0.0.1\nother.invalid"
    found = host_probe.parse(f"@@rollcall containers\n@@rollcall bridge\n{bridge}\n@@rollcall end\n")
    assert found.inside == found.bridge == {"a.service.consul": {"10.0.0.1"}, "other.invalid": frozenset()}


def probed(folder: Path, names: list[str], *, curl: str, docker: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with these scripts in place of the two programs."""
    for name, script in (("curl", curl), ("docker", docker)):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin"}
    command = ["sh", "-c", host_probe.command(names)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


ONE, GONE = "1" * 64, "2" * 64
# As the engine responds: two lists that share a container, and one container that is gone by the time it is inspected.
ENGINE = f"""
for url; do
  case $url in
    *containers/json) echo '[{{"Id":"{ONE}","Names":["/web"]}},{{"Id":"{GONE}","Names":["/old"]}}]' ;;
    *containers/json*) echo '[{{"Id":"{ONE}","Names":["/web"]}}]' ;;
    *{ONE}/json) echo '{{"Id":"{ONE}","Name":"/web","Config":{{}},"State":{{"Status":"running"}}}}' ;;
    *{GONE}/json) echo '{{"message":"No such container: {GONE}"}}' ;;
  esac
done
"""


def test_containers_are_read_from_the_engine_itself_each_once(tmp_path: Path) -> None:
    done = probed(tmp_path, [], curl=ENGINE, docker="exit 1")
    assert [one["Name"] for one in host_probe.parse(done.stdout).containers] == ["/web"]


def test_a_host_without_curl_is_read_by_the_docker_command(tmp_path: Path) -> None:
    docker = """[ "$1" = ps ] && echo 1 || echo '{"Name":"/web","Config":{}}'"""
    done = probed(tmp_path, [], curl="exit 127", docker=docker)
    assert [one["Name"] for one in host_probe.parse(done.stdout).containers] == ["/web"]


def test_an_engine_that_refuses_to_list_its_containers_has_not_none(tmp_path: Path) -> None:
    # With --fail curl exits with 22 at an error of HTTP.
    refusing = "case $* in *' -f '*) exit 22 ;; *) echo '{\"message\":\"database is locked\"}' ;; esac"
    done = probed(tmp_path, [], curl=refusing, docker="echo 'Error: database is locked' >&2; exit 1")
    assert done.returncode == 91
    assert "database is locked" in done.stderr


def test_a_stopped_engine_is_reported(tmp_path: Path) -> None:
    docker = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"
    done = probed(tmp_path, ["a.service.consul"], curl="exit 7", docker=docker)
    assert done.returncode == 91
    assert "Cannot connect to the Docker daemon" in done.stderr


def test_a_name_cannot_inject_shell_code() -> None:
    with pytest.raises(ValueError, match="invalid DNS name"):
        host_probe.command(["$(reboot)"])


def test_a_host_that_takes_too_long_says_so_and_shows_none_of_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_probe, "TIMEOUT_SECONDS", 1)
    done = probed(tmp_path, [], curl="echo '{}'; exec sleep 60", docker="exit 1")
    assert done.returncode == 124
    assert done.stderr.startswith("it did not look at its containers and names within 1 s")
