"""Backups of a real Consul: taken, tried in another one that is thrown away, and restored."""

import base64
import multiprocessing
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace

import docker
import pytest
from own_components import check
from own_consul import OwnConsul, running
from snapshots import backup
from waiting import until

from rollcall.backup import archive, snapshot, trial
from rollcall.backup.consul_state import ConsulState
from rollcall.backup.restoration import Restoration
from rollcall.components import access
from rollcall.config.fleet import RawHost, nowhere
from rollcall.config.inventory import Host
from rollcall.consul.agent_client import AgentClient
from rollcall.contract import local_agent
from rollcall.errors import RollcallError
from rollcall.lab.dockerfile import local_name
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import TOKENS, Secrets
from rollcall.secrets.tokens import Tokens

IMAGE = local_name("hashicorp/consul:1.22.7")
FLEET = check("here", [RawHost("app1", frozenset({"consul_servers"}), {"address": "127.0.0.1"})], "app1", nowhere)
HOST = Host("app1", "local", "127.0.0.1", groups=("consul_servers",))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return store.read(PrivateDirectory(tmp_path_factory.mktemp("fleet") / "secrets"), FLEET)


@pytest.fixture(scope="module")
def consul(engine: docker.DockerClient, secrets: Secrets) -> Iterator[OwnConsul]:
    """As a fleet's: its leader makes the management token of the fleet's secrets."""
    management = secrets.tokens.secret("management")
    with running(OwnConsul, engine, {"SERVICE_IGNORE": "true"}, management=management) as agent:
        yield agent


def state(consul: OwnConsul) -> ConsulState:
    return ConsulState(("127.0.0.1", consul.port), consul.management)


def allow(consul: OwnConsul, secret: str) -> str:
    consul.api.acl.token.create(secret_id=secret, policies_name=["global-management"])
    return secret


def taken(consul: OwnConsul, key: bytes) -> archive.Backup:
    found = replace(backup(), snapshot=snapshot.read(state(consul).save(), "here"))
    packed = replace(found, secrets={**found.secrets, TOKENS: base64.b64encode(key)})
    return archive.unpack(archive.pack(packed), "here")


def left_over() -> str:
    return os.popen("docker ps -aq --filter name=rollcall-backup-check").read()


def test_a_backup_is_restored_into_a_consul_that_is_thrown_away(
    consul: OwnConsul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "RESTORED_TIMEOUT_SECONDS", 3.0)
    key = os.urandom(32)
    allow(consul, Tokens(key).secret("management"))
    consul.clear()
    for name in ("a", "b/c", "rollcall/front/canary/x"):
        consul.api.kv.put(name, "value")
    made = taken(consul, key)
    counts = trial.restored(made, IMAGE)
    assert counts.keys == 3
    assert counts.tokens == len(consul.api.acl.token.list())
    with pytest.raises(RollcallError, match="the secrets of the backup are not those of its snapshot"):
        trial.restored(replace(made, secrets={TOKENS: base64.b64encode(os.urandom(32))}), IMAGE)
    assert left_over() == ""


def test_a_check_removes_the_consul_of_one_that_was_killed(consul: OwnConsul) -> None:
    made = taken(consul, os.urandom(32))
    killed = multiprocessing.get_context("fork").Process(target=trial.restored, args=(made, IMAGE))
    killed.start()
    until(left_over, "the first check's Consul")
    killed.kill()
    killed.join()
    assert left_over() != ""
    with pytest.raises(RollcallError, match="the secrets of the backup are not those of its snapshot"):
        trial.restored(made, IMAGE)
    assert left_over() == ""


def test_a_running_consul_gets_its_state_back_and_its_services_at_once(
    consul: OwnConsul, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot knows neither the fleet's tokens, nor a new service, and one too many."""
    monkeypatch.setattr(local_agent, "URL", f"http://{consul.address}")
    consul.clear()
    consul.api.kv.put("kept", "old")
    consul.api.agent.service.register("gone", service_id="gone", port=81)
    until(lambda: consul.api.catalog.service("gone")[1], "the old service in the catalog")
    saved = state(consul).save()
    consul.api.kv.put("kept", "new")
    consul.api.kv.put("later", "x")
    consul.api.agent.service.deregister("gone")
    consul.api.agent.service.register("new", service_id="new", port=82)
    until(lambda: consul.api.catalog.service("new")[1], "the new service in the catalog")

    state(consul).restore(saved)
    restoration = Restoration(FLEET, AgentClient(HOST, consul.management), {"app1": HOST}, secrets.tokens)
    restoration.wait_for_leader()
    written = restoration.converge_access(access.desired(FLEET, secrets))
    assert "create policy rollcall-agent-app1" in written
    assert restoration.converge_access(access.desired(FLEET, secrets)) == []
    restoration.compare_now()
    restoration.wait_for_catalog()
    assert set(consul.api.catalog.services()[1]) == {"consul", "new"}
    assert [entry["Value"] for entry in consul.api.kv.get("", recurse=True)[1]] == [b"old"]
    # The same once more: an agent that has its token from a request already compares again, too.
    state(consul).restore(saved)
    restoration.wait_for_leader()
    restoration.converge_access(access.desired(FLEET, secrets))
    restoration.compare_now()
    restoration.wait_for_catalog()


def test_a_rebuilt_host_registers_though_the_snapshot_has_its_former_id(
    engine: docker.DockerClient, consul: OwnConsul, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    consul.api.kv.put("kept", "old")
    saved = snapshot.read(state(consul).save(), "here")
    quiet = {"SERVICE_IGNORE": "true"}
    with running(OwnConsul, engine, quiet, management=consul.management) as rebuilt:
        monkeypatch.setattr(local_agent, "URL", f"http://{rebuilt.address}")
        rebuilt.api.agent.service.register("web", service_id="web", port=82)
        restoration = Restoration(FLEET, AgentClient(HOST, consul.management), {"app1": HOST}, secrets.tokens)
        fitting = restoration.fitting(saved)
        state(rebuilt).restore(fitting.data)
        restoration.wait_for_leader()
        restoration.converge_access(access.desired(FLEET, secrets))
        restoration.compare_now()
        until(lambda: not restoration.differences(), "the agent's services in the catalog")
        assert rebuilt.api.kv.get("kept")[1]["Value"] == b"old"


def test_a_token_without_rights_gets_consuls_own_words(consul: OwnConsul) -> None:
    with pytest.raises(RollcallError, match=r"Consul refuses GET /v1/snapshot: .*(ACL not found|Permission denied)"):
        ConsulState(("127.0.0.1", consul.port), str(uuid.uuid4())).save()
    with pytest.raises(RollcallError, match="Consul's leader does not respond"):
        ConsulState(("127.0.0.1", 1), consul.management).save()
