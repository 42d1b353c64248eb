"""An agent that lets nobody in without a token: what the registrator's token must allow, and a change of tokens."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from guarded_agent import FLEETS_POLICY, MANAGEMENT, SMALLEST_POLICY, Guarded
from healthchecks import HEALTHCHECK, health, says
from registrator_world import HOSTNAME, Registrator, Run, Start, run_once
from waiting import always, until

Show = Callable[[str], dict[str, str]]


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """Put a token into a file of its own, and give the environment that names it."""

    def show_one(token: str) -> dict[str, str]:
        file = tmp_path / f"token-{uuid.uuid4()}"
        file.write_text(f"{token}\n")
        return {"CONSUL_HTTP_TOKEN_FILE": str(file)}

    return show_one


def test_without_a_token_nothing_is_registered_and_the_log_has_the_reason(
    start: Start, run: Run, guarded: Guarded, name: str
) -> None:
    run()
    start("-internal", uri=guarded.uri).says("Consul rejects")
    assert not guarded.catalog(name)


def test_the_token_of_the_variable_and_the_unix_socket(start: Start, run: Run, guarded: Guarded, name: str) -> None:
    run()
    start("-internal", uri=f"consul-unix://{guarded.folder / 'consul.sock'}", CONSUL_HTTP_TOKEN=MANAGEMENT)
    until(lambda: guarded.catalog(name), name)


@pytest.mark.parametrize("policy", [FLEETS_POLICY, SMALLEST_POLICY], ids=["fleet", "smallest"])
def test_the_policy_allows_everything_the_registrator_does(
    start: Start, run: Run, guarded: Guarded, show: Show, name: str, policy: str
) -> None:
    registrator = start("-internal", "-cleanup", "-resync", "1", uri=guarded.uri, **show(guarded.allow(policy)))
    container = run(healthcheck=HEALTHCHECK, environment={"SERVICE_CHECK_TCP": "true", "SERVICE_CHECK_INTERVAL": "1s"})
    says(container, "yes")
    until(lambda: {check["Status"] for check in guarded.checks(name)} == {"passing"}, "both checks passing")
    says(container, "broken")
    until(lambda: health(guarded, name) == ("critical", "reads broken"), "critical with its output")
    container.rename(f"{name}-new")
    until(lambda: set(guarded.catalog(name)) == {f"{HOSTNAME}:{name}-new:80"}, "the new name only")
    container.stop()
    until(lambda: not guarded.catalog(name), "out of the catalog")
    assert "rejects" not in registrator.text
    log = (guarded.folder / "agent.log").read_text()
    assert "blocked by ACLs" not in log, log


def test_the_fleets_policy_keeps_containers_from_posing_as_consul(
    start: Start, run: Run, guarded: Guarded, show: Show
) -> None:
    run(environment={"SERVICE_NAME": "consul"})
    start("-internal", uri=guarded.uri, **show(guarded.allow(FLEETS_POLICY))).says(
        "lacks permission 'service:write' on \"consul\""
    )
    assert set(guarded.catalog("consul")) == {"consul"}


def test_services_of_the_old_token_get_the_new_one(
    start: Start, run: Run, guarded: Guarded, show: Show, name: str
) -> None:
    """Nothing written anew, no status lost; and with the old token gone, what changes still reaches the catalog."""
    old, new = guarded.allow(FLEETS_POLICY), guarded.allow(FLEETS_POLICY)
    first = start("-internal", uri=guarded.uri, **show(old))
    container = run(healthcheck=HEALTHCHECK, environment={"SERVICE_CHECK_TCP": "true", "SERVICE_CHECK_INTERVAL": "1s"})
    says(container, "yes")
    until(lambda: {check["Status"] for check in guarded.checks(name)} == {"passing"}, "both checks passing")
    first.stop()
    quiet(guarded, name)
    written = guarded.written(name)
    assert written
    second = start("-internal", uri=guarded.uri, **show(new))
    second.says(f"registered {HOSTNAME}:{name}:80")
    always(
        lambda: guarded.written(name) == written and len(guarded.api.health.service(name, passing=True)[1]) == 1,
        f"nothing brought to the catalog after {written}, and passing",
        4,
    )
    guarded.forbid(old)
    says(container, "broken")
    until(lambda: health(guarded, name) == ("critical", "reads broken"), "critical in the catalog")
    container.stop()
    until(lambda: not guarded.catalog(name), "out of the catalog")


def quiet(agent: Guarded, container: str) -> None:
    """Wait until the agent has brought the last outputs of its checks to the catalog, and writes nothing more."""
    seen: list[int] = []

    def still() -> bool:
        seen.append(len(agent.written(container)))
        time.sleep(0.2)
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    until(still, "an agent that has brought everything to the catalog", 60)


def test_a_token_that_is_created_later_loses_nothing(
    start: Start, run: Run, guarded: Guarded, show: Show, name: str
) -> None:
    old, new = guarded.allow(FLEETS_POLICY), str(uuid.uuid4())
    first = start("-internal", uri=guarded.uri, **show(old))
    stays, goes = run("-stays"), run("-goes")
    until(lambda: len(guarded.catalog(name)) == 2, "two instances")
    first.stop()
    second = start("-internal", "-cleanup", uri=guarded.uri, **show(new))
    second.says("does not accept this registrator's token (403 ACL not found)")
    goes.stop()
    run("-comes")
    guarded.allow(FLEETS_POLICY, new)
    wanted = {f"{HOSTNAME}:{one}:80" for one in (stays.name, f"{name}-comes")}
    until(lambda: set(guarded.catalog(name)) == wanted, f"{wanted}", 40)
    assert second.text.count("ACL not found") == 1
    assert new not in second.text
    assert_shows_no_token(second, new)


def assert_shows_no_token(registrator: Registrator, token: str) -> None:
    process = Path(f"/proc/{registrator.process.pid}")
    for file in ("cmdline", "environ"):
        assert token.encode() not in (process / file).read_bytes()


def test_a_missing_token_file_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    done = run_once("consul://", CONSUL_HTTP_TOKEN_FILE=str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "(No such file or directory)" in done.stderr
    assert done.stderr.count("\n") == 1
