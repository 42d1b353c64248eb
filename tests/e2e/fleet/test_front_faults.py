"""Real faults of and behind the front: requests that failed, instances that stayed, and the time it took to recover."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from at_front import difference, problems, sites
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for
from visitor import crowded

SERVERS = ("consul1", "consul2", "consul3")
# front.keep_lost: by then whatever the catalog lost has to be in it again.
KEPT_SECONDS = 180
STATE = "/var/lib/rollcall/front"
RUN = "/run/rollcall/front"
Says = Callable[[str], None]


@pytest.fixture(autouse=True)
def _mended(fleet: Fleet) -> Iterator[None]:
    """What a fault left behind, the next deploy mends, as it does for a user."""
    yield
    rollcall("deploy", LAB)
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 60)


def seconds_until(what: str, condition: Callable[[], object], seconds: float) -> float:
    """Wait for a condition; give how long it took."""
    begun = time.monotonic()
    wait_for(what, condition, seconds)
    return time.monotonic() - begun


def wrong(fleet: Fleet) -> str:
    """Say what keeps nginx's list from being exactly what passes in the catalog, and what the front complains of."""
    found = difference(fleet)
    return "; ".join([*([str(found)] if found else []), *problems(fleet)])


def seconds_until_right(fleet: Fleet, seconds: float) -> float:
    """Wait until nothing is wrong; give how long it took."""
    begun, last = time.monotonic(), [""]

    def is_right() -> bool:
        last[:] = [wrong(fleet)]
        return not last[0]

    try:
        wait_for("front as the catalog has it", is_right, seconds)
    except AssertionError as problem:
        problem.add_note(last[0])
        raise
    return time.monotonic() - begun


def _endpoint(fleet: Fleet, host: str, container: str) -> str:
    return fleet.on(host, f"docker port {container} 80/tcp").splitlines()[0]


def killed(fleet: Fleet, *names: str) -> dict[str, str]:
    """Kill containers (as host/container) of all hosts at the same time; give where they were."""
    by_host: dict[str, list[str]] = {}
    for name in names:
        host, container = name.split("/")
        by_host.setdefault(host, []).append(container)
    places = {name: _endpoint(fleet, *name.split("/")) for name in names}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: fleet.on(host, f"docker kill {' '.join(by_host[host])}"), by_host))
    return places


def stale(fleet: Fleet, places: dict[str, str]) -> set[str]:
    """Give the dead that nginx still lists."""
    backends = sites(fleet).backends
    return {name for name, endpoint in places.items() if endpoint in backends}


def test_consul_template_killed(fleet: Fleet, says: Says) -> None:
    with crowded() as crowd:
        fleet.on("front1", "pkill -9 -x consul-template")
        dead = killed(fleet, "app2/nginx-1")
        seconds = seconds_until("list without the dead", lambda: not stale(fleet, dead), 15)
        assert not wrong(fleet)
    says(f"consul-template killed: {crowd.account}; a death was followed {seconds:.1f} s later, stale after: 0")
    assert crowd.failed == []


# Twenty seconds are longer than every interval in which Consul, consul-template and the front try again.
@pytest.mark.parametrize("outage_seconds", [20, pytest.param(60, marks=pytest.mark.long)])
def test_quorum_lost(fleet: Fleet, says: Says, outage_seconds: int) -> None:
    with crowded() as crowd:
        for server in SERVERS[1:]:
            fleet.on(server, "docker kill consul")
        end = time.monotonic() + outage_seconds
        dead = killed(fleet, "app1/nginx-1")
        while time.monotonic() < end:
            # Nobody can tell the front of the death; the living all stay, and nginx passes over the dead.
            assert answering(30) <= BACKENDS - dead.keys()
        for server in SERVERS[1:]:
            fleet.on(server, "docker start consul")
        # Until there is a leader again, the catalog itself has the dead.
        seconds = seconds_until("list without the dead", lambda: not stale(fleet, dead), 60)
        seconds += seconds_until_right(fleet, 60)
    says(f"quorum lost for {outage_seconds} s: {crowd.account}; {seconds:.1f} s after its return stale: 0")
    assert crowd.failed == []


@contextmanager
def broken_configuration(fleet: Fleet) -> Iterator[None]:
    """A mistake in what nginx reads, as by a hand that edits the file on the host; a deploy would undo it."""
    fleet.on("front1", "echo 'no_such_directive on;' >>/etc/rollcall/front/nginx.conf")
    yield
    rollcall("deploy", LAB)


def test_a_candidate_that_nginx_refuses(fleet: Fleet, says: Says) -> None:
    with crowded() as crowd:
        with broken_configuration(fleet):
            dead = killed(fleet, "app2/nginx-1")
            refused = seconds_until("refusal", lambda: "no_such_directive" in "".join(problems(fleet)), 15)
            assert answering() == BACKENDS - dead.keys()
        seconds = seconds_until_right(fleet, 15)
    says(f"broken candidate: {crowd.account}; told after {refused:.1f} s, right {seconds:.1f} s after the deploy")
    assert crowd.failed == []


def inside(fleet: Fleet, command: str) -> str:
    """Run a command in the file systems of the front's container as root of the host."""
    number = fleet.on("front1", "docker inspect --format '{{.State.Pid}}' front")
    return fleet.on("front1", f"nsenter --target {number} --mount --pid -- sh -c '{command}'")


@contextmanager
def full_disk(fleet: Fleet) -> Iterator[None]:
    """The front's volume on a file system of its own, with not one byte left; in the end there is room again."""
    small = f"{RUN}/small"
    inside(
        fleet,
        f"mkdir {small} && mount -t tmpfs -o size=4m,uid=101,gid=101 small {small} && cp -a {STATE}/. {small} &&"
        f" mount --move {small} {STATE} && rmdir {small}; dd if=/dev/zero of={STATE}/full bs=4k 2>&1 | tail -n 3",
    )
    assert inside(fleet, f"stat --file-system --format=%a {STATE}").strip() == "0"
    try:
        yield
    finally:
        inside(fleet, f"rm -f {STATE}/full")


def hindrances(fleet: Fleet) -> list[str]:
    """Return the problems that keep the front from the newest catalog; what a death itself shows comes and goes."""
    return [problem for problem in problems(fleet) if problem.startswith(("hindered:", "catalog:"))]


@pytest.fixture
def _volume_back(fleet: Fleet) -> Iterator[None]:
    """A container that starts anew has its volume where it belongs."""
    yield
    fleet.on("front1", "docker restart front")


@pytest.mark.usefixtures("_volume_back")
def test_the_disk_full(fleet: Fleet, says: Says) -> None:
    with crowded() as crowd:
        with full_disk(fleet):
            dead = killed(fleet, "app2/nginx-1")
            heard: list[str] = []
            told = seconds_until("a problem of it", lambda: heard.extend(hindrances(fleet)) or heard, 15)
            assert answering() == BACKENDS - dead.keys()
        seconds = seconds_until_right(fleet, 30)
        assert not stale(fleet, dead)
    says(f"disk full: {crowd.account}; told after {told:.1f} s ({heard[0]}); right {seconds:.1f} s after it had room")
    assert crowd.failed == []


def test_the_memory_of_its_files_full(fleet: Fleet, says: Says) -> None:
    with crowded() as crowd:
        try:
            inside(fleet, f"dd if=/dev/zero of={RUN}/full bs=4k 2>/dev/null; true")
            dead = killed(fleet, "app2/nginx-1")
            heard: list[str] = []
            # A consul-template that starts again may find the room of its last file, and follow within a second.
            told = seconds_until(
                "a problem of it, nor a list without the dead",
                lambda: heard.extend(hindrances(fleet)) or heard or not stale(fleet, dead),
                15,
            )
            assert answering() == BACKENDS - dead.keys()
        finally:
            inside(fleet, f"rm -f {RUN}/full")
        seconds = seconds_until_right(fleet, 30)
        assert not stale(fleet, dead)
    what = f"after {told:.1f} s {heard or 'followed'}; right {seconds:.1f} s after it had room"
    says(f"{RUN} full: {crowd.account}; {what}")
    assert crowd.failed == []


def wiped(fleet: Fleet, hosts: tuple[str, ...]) -> None:
    """Take all data from the agents of some hosts, as with new disks."""

    def everywhere(command: str) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda host: fleet.on(host, command), hosts))

    everywhere("docker stop consul")
    everywhere("find /var/lib/docker/volumes/consul-data/_data -mindepth 1 -delete")
    everywhere("docker start consul")


@pytest.mark.long
@pytest.mark.parametrize("whose", ["servers", "every agent"])
def test_consul_restored_empty(fleet: Fleet, says: Says, whose: str) -> None:
    hosts = SERVERS if whose == "servers" else tuple(fleet.hosts)
    with crowded() as crowd:
        wiped(fleet, hosts)
        # Its rules and tokens were in it, too: they come back as they came, by a deploy.
        rollcall("deploy", LAB)
        # An agent that was refused tries again after 15 s, and compares everything each minute: until then its
        # services are missing in the catalog, and the front keeps them.
        seconds = seconds_until_right(fleet, KEPT_SECONDS)
        assert answering() == BACKENDS
    says(f"Consul's data lost, of {whose}: {crowd.account}; right {seconds:.1f} s after the deploy")
    assert crowd.failed == []


@pytest.mark.long
def test_a_backend_that_accepts_and_never_answers(fleet: Fleet, says: Says) -> None:
    """Who has asked it already has lost; it may be asked no more than once or so by anybody else."""
    endpoint = _endpoint(fleet, "app1", "nginx-1")
    number = fleet.on("app1", "docker inspect --format '{{.State.Pid}}' nginx-1")
    with crowded() as crowd:
        try:
            fleet.on("app1", f"kill -STOP {number} $(pgrep -P {number})")
            seconds = seconds_until("list without it", lambda: endpoint not in sites(fleet).backends, 20)
            before = len(crowd.failed)
            wait_for("many answers without it", lambda: crowd.asked > 8000, 120)
        finally:
            fleet.on("app1", f"kill -CONT {number} $(pgrep -P {number})")
        back = seconds_until("list with it", lambda: endpoint in sites(fleet).backends, 30)
    says(
        f"backend that hangs: {crowd.account}, {before} of them until it was out, {seconds:.1f} s; back in {back:.1f} s"
    )
    assert len(crowd.failed) * 1000 <= crowd.asked


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("a third of the backends", ("app1/webserver-1", "app2/nginx-1")),
        ("all containers of a host", ("app1/webserver-1", "app1/webserver-2", "app1/nginx-1")),
    ],
)
def test_many_killed_at_once(fleet: Fleet, says: Says, what: str, names: tuple[str, ...]) -> None:
    """They vanish together, as in a loss of Consul's; but they refuse connections, so nobody takes it for one."""
    with crowded() as crowd:
        dead = killed(fleet, *names)
        seconds = seconds_until("list without them", lambda: not stale(fleet, dead), 10)
        assert answering() == BACKENDS - dead.keys()
    says(f"{what} killed at once: {crowd.account}; stale after {seconds:.1f} s: 0")
    assert crowd.failed == []
