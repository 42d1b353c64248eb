"""Secrets are replaced under load: no request fails, and what was good before is good for nothing afterwards."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, wait_for
from secrets_in_use import accepts, handshake, keys
from visitor import crowded


@contextmanager
def under_load() -> Iterator[None]:
    with crowded() as crowd:
        yield
    assert crowd.failed == [], f"of {crowd.asked} requests"


def follows_the_catalog(fleet: Fleet) -> None:
    """Registrators, agents and consul-template go on with what they have now."""
    fleet.on("app2", "docker rm -f nginx-1")
    wait_for("front without app2/nginx-1", lambda: "app2/nginx-1" not in answering(30))
    rollcall("deploy", LAB)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    assert fleet.deploy().changed == set()


@pytest.mark.long
def test_tokens(fleet: Fleet) -> None:
    old = fleet.secrets().tokens
    with under_load():
        said = rollcall("rotate", LAB, "tokens")
    assert "Rotated tokens on 6 hosts" in said
    new = fleet.secrets().tokens
    roles = [("management", ""), ("operator", ""), ("front", ""), ("registrator", "app1"), ("agent", "consul2")]
    assert [accepts(fleet, old.secret(role, node)) for role, node in roles] == [False] * len(roles)
    assert [accepts(fleet, new.secret(role, node)) for role, node in roles] == [True] * len(roles)
    follows_the_catalog(fleet)


@pytest.mark.long
def test_the_certificate_authority(fleet: Fleet) -> None:
    old = fleet.secrets()
    assert handshake(fleet, old)
    with under_load():
        rollcall("rotate", LAB, "ca")
    assert not handshake(fleet, old)
    assert handshake(fleet, fleet.secrets())
    follows_the_catalog(fleet)


@pytest.mark.long
def test_certificates(fleet: Fleet) -> None:
    old = fleet.secrets()
    with under_load():
        rollcall("rotate", LAB, "certificates")
    new = fleet.secrets()
    assert new.authority == old.authority
    assert all(new.agents[node] != old.agents[node] for node in old.agents)
    served = fleet.on("app2", "echo | openssl s_client -connect 10.77.0.31:443 2>/dev/null | openssl x509")
    assert served.strip() == new.fronts["front1"].certificate.strip()
    follows_the_catalog(fleet)


def test_the_gossip_key(fleet: Fleet) -> None:
    old = fleet.secrets().gossip_key
    with under_load():
        rollcall("rotate", LAB, "gossip")
    assert keys(fleet) == {fleet.secrets().gossip_key}
    assert keys(fleet) != {old}
    fleet.on("app1", "docker restart consul")
    wait_for("app1 back among the members", lambda: "app1" in alive(fleet))
    follows_the_catalog(fleet)


def alive(fleet: Fleet) -> set[str]:
    members = fleet.consul("/v1/agent/members", "consul1") or []
    return {one["Name"] for one in members if one["Status"] == 1}


def test_a_host_that_would_be_locked_out_stops_the_rotation_of_the_gossip_key(fleet: Fleet) -> None:
    before = keys(fleet)
    fleet.on("app1", "docker stop consul")
    try:
        assert "app1 does not respond in the cluster" in rollcall("rotate", LAB, "gossip", code=1)
        assert keys(fleet) == before
    finally:
        fleet.on("app1", "docker start consul")
    wait_for("app1 back among the members", lambda: "app1" in alive(fleet))
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 60)


@pytest.mark.long
@pytest.mark.parametrize("step", ["1/3", "2/3", "3/3"])
def test_the_same_command_finishes_an_interrupted_rotation(fleet: Fleet, step: str) -> None:
    old = fleet.secrets().tokens
    with under_load():
        _interrupt_at(step, "tokens")
        assert accepts(fleet, fleet.secrets().tokens.secret("operator"))
        rollcall("rotate", LAB, "tokens")
    assert not accepts(fleet, old.secret("operator"))
    assert accepts(fleet, fleet.secrets().tokens.secret("operator"))
    assert fleet.secrets().unfinished == ()


def _interrupt_at(step: str, kind: str) -> None:
    """Kill the command and its deploy as soon as it says that it has come to a step."""
    command = [sys.executable, "-u", "-c", "from rollcall.cli.main import main; main()", "rotate", LAB, kind]
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    said = next((line for line in process.stdout if line.startswith(step)), "")
    # In the middle of the step's deploy: once the first operation has begun.
    begun = next((line for line in process.stdout if "Starting operation" in line), "")
    subprocess.run(["kill", f"-{signal.SIGKILL.value}", "--", f"-{process.pid}"], check=True)
    process.wait()
    assert said, f"it never came to {step}"
    assert begun, f"it deployed nothing at {step}"
