"""Consul gets a newer version under 32 keep-alive clients, is interrupted or killed on the way, and goes on."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import interactive
import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, wait_for
from image_for_tests import made
from keep_alive_load import Load
from killing import CHANGES, ended_at_every_step
from lab_command import UP
from lab_servers import led_by

from rollcall.lab import images
from rollcall.lab.layout import CONSUL_BEFORE_VERSION, CONSUL_VERSION

FRONT_PORT = 8080
SERVERS = ("consul1", "consul2", "consul3")
HOSTS = (*SERVERS, "app1", "app2", "front1")


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    rollcall(*UP)
    return Fleet()


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The inventory with the release before, by whose name the secrets are the lab's."""
    image = images.make_consul_before()
    folder = tmp_path_factory.mktemp("before")
    (folder / "lab.py").write_text((PROJECT / LAB).read_text())
    (folder / "group_data").mkdir()
    (folder / "group_data" / "all.py").write_text(f'consul = {{"image": "{image}", "image_source": "push"}}\n')
    return str(folder / "lab.py")


@pytest.fixture
def before(fleet: Fleet, earlier: str) -> Iterator[None]:
    """The release before, deployed from nothing: no downgrade leads there."""
    rollcall("remove", LAB, "--yes")
    rollcall("deploy", earlier)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    assert builds(fleet) == dict.fromkeys(HOSTS, CONSUL_BEFORE_VERSION)
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    yield
    for server in SERVERS:
        fleet.on(server, "rm -rf /var/lib/rollcall/backups")


def builds(fleet: Fleet) -> dict[str, str]:
    members = fleet.consul("/v1/agent/members", "front1") or ()
    return {one["Name"]: one["Tags"]["build"].partition(":")[0] for one in members if one["Status"] == 1}


@pytest.mark.usefixtures("before")
def test_an_upgrade_that_is_interrupted_goes_on_without_a_lost_request(
    fleet: Fleet, says: Callable[[str], None]
) -> None:
    leader = led_by(fleet)
    load = Load(FRONT_PORT)
    started = time.monotonic()
    with load.running():
        with interactive.started("deploy", LAB) as deploy:
            wait_for("a first server", lambda: CONSUL_VERSION in builds(fleet).values(), 240)
            interactive.send(deploy, signal.SIGINT)
            output, _ = deploy.communicate(timeout=120)
        interrupted = [name for name, build in builds(fleet).items() if build == CONSUL_VERSION]
        assert deploy.returncode != 0, output
        assert set(interrupted) < set(SERVERS) - {leader}, "clients come after servers, and the leader last"
        said = rollcall("deploy", LAB)
    seconds = time.monotonic() - started
    assert builds(fleet) == dict.fromkeys(HOSTS, CONSUL_VERSION)
    says(f"upgraded, once interrupted, in {seconds:.0f} s; {load.requests} requests, broken: {load.broken}")
    assert load.broken == {}
    assert f"/var/lib/rollcall/backups/before-{CONSUL_VERSION}-" in " ".join(said.split())
    kept = [fleet.on(one, "ls /var/lib/rollcall/backups 2>/dev/null", check=False).split() for one in SERVERS]
    assert sum(map(len, kept)) >= 2
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    assert "✗" not in rollcall("verify", LAB)


@pytest.mark.usefixtures("before")
def test_an_upgrade_killed_after_each_step_goes_on_without_a_lost_request(
    fleet: Fleet, says: Callable[[str], None]
) -> None:
    load = Load(FRONT_PORT, pause=0.05)
    with load.running():
        steps = ended_at_every_step("deploy", LAB, by=signal.SIGKILL, beginnings=CHANGES)
    says(f"kill -9 at each of {len(steps)} steps, {load.requests} requests: {'; '.join(steps)}")
    assert load.broken == {}
    replaced = {step.strip("[").partition("]")[0] for step in steps if "replace container consul" in step}
    assert replaced == set(HOSTS), steps
    assert builds(fleet) == dict.fromkeys(HOSTS, CONSUL_VERSION)
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    assert "nothing had to change" in rollcall("deploy", LAB)
    assert "✗" not in rollcall("verify", LAB)


def test_a_downgrade_is_refused_before_anything_is_touched(fleet: Fleet, earlier: str) -> None:
    rollcall("deploy", LAB)
    said = " ".join(rollcall("deploy", earlier, code=1).split())
    assert f"consul.image: got {CONSUL_BEFORE_VERSION} for" in said
    assert f"and {CONSUL_VERSION} runs, whose data an earlier Consul does not read" in said
    assert builds(fleet) == dict.fromkeys(HOSTS, CONSUL_VERSION)


@pytest.mark.parametrize(
    ("image", "setting", "component", "why"),
    [
        ("broken", "registrator", "registrator", "registrator does not stay up"),
        ("idle", "registrator", "registrator", "registrator does not register a container that starts"),
        ("idle", "dns", "DNS", "returns nothing for consul.service.consul"),
        ("idle", "socket_filter", "socket filter", "does not pass on what the registrator reads from the engine"),
    ],
)
def test_a_version_that_does_not_work_costs_one_host(
    fleet: Fleet, tmp_path: Path, image: str, setting: str, component: str, why: str
) -> None:
    rollcall("deploy", LAB)
    name = made(docker.from_env(), Path(__file__).parents[2] / "support" / image)
    (tmp_path / "lab.py").write_text((PROJECT / LAB).read_text())
    (tmp_path / "group_data").mkdir()
    given = f'{setting} = {{"image": "{name}", "image_source": "push"}}\n'
    (tmp_path / "group_data" / "all.py").write_text(given)
    before = containers(fleet, setting)
    said = " ".join(rollcall("deploy", str(tmp_path / "lab.py"), code=1).split())
    assert why in said
    [first] = [host for host, one in containers(fleet, setting).items() if one != before[host]]
    assert f"left as it is, since {component} does not work on {first}, which was the first; fix it" in said
    assert answering() == BACKENDS
    rollcall("deploy", LAB)
    assert "✗" not in rollcall("verify", LAB)


def containers(fleet: Fleet, setting: str) -> dict[str, str]:
    name = setting.replace("_", "-")
    return {host: fleet.on(host, f"docker inspect --format '{{{{.Id}}}}' {name}") for host in HOSTS}
