"""Certificates by ACME on two fronts under one address, as visitors of either see them, whatever dies meanwhile."""

import base64
import re
import socket
import ssl
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from acme import client
from acme_site import payload
from asking import Ask
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from deployed import LAB, PROJECT, Fleet, rollcall, wait_for
from free_ports import free_ports
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from relay import Passed, Relay, relay
from shop import container

from rollcall.contract import acme_keys
from rollcall.lab.layout import GATEWAY, HOSTS
from rollcall.lab.pebble import Pebble, pebble
from rollcall.secrets import deployed

SHARED = "10.77.0.100"
FRONTS = {host.name: host.address for host in HOSTS if host.name in ("front1", "app2")}
# No front is there.
STRANGER = next(host.address for host in HOSTS if host.name == "app1")
SERVERS = ("consul1", "consul2", "consul3")
SHOP, ELSEWHERE, CUT_OFF = (f"{name}.example.com" for name in ("shop", "elsewhere", "cut-off"))
# Consul remembers failures of names; those of an earlier run concern no other.
RUN = uuid.uuid4().hex[:6]
STEPS = tuple(f"step-{number}-{RUN}.example.com" for number in range(20))
# An order takes some seconds; Consul frees the lock of a dead program after up to half a minute.
ORDERED_SECONDS, TAKEN_OVER_SECONDS = 60, 120
NEW_ORDER, CHALLENGE = "/order-plz", "/chalZ/"
CREATED, BAD_REQUEST = 201, 400
VOLUME = "/var/lib/docker/volumes/front-acme/_data"


@dataclass
class Fronts:
    """The fleet with two fronts, the authority, and the proxy through which the programs reach it."""

    fleet: Fleet
    inventory: str
    authority: Pebble
    relay: Relay
    names: list[str] = field(default_factory=list)

    def shown(self, name: str, address: str) -> str:
        """Return the serial number that a visitor of this front gets who trusts the authority; "" for others."""
        try:
            with connected(self.authority, address, name) as secured:
                return str((secured.getpeercert() or {})["serialNumber"])
        except OSError:
            return ""

    def everywhere(self, name: str) -> str:
        """Return the serial number that visitors of both fronts get; "" if not the same one."""
        found = {self.shown(name, address) for address in FRONTS.values()}
        return found.pop() if len(found) == 1 else ""

    def holder(self) -> str:
        """Return the host whose program orders."""
        (entry,) = self.fleet.consul(f"/v1/kv/{acme_keys.LOCK}", "consul1") or ({},)
        return base64.b64decode(entry["Value"]).decode() if entry.get("Session") else ""

    def orders(self, name: str) -> int:
        """Return how many orders the authority took for a name."""
        return sum(
            one.path == NEW_ORDER and one.status == CREATED and name in payload(one) for one in self.relay.passed
        )

    def certificates(self) -> str:
        """Return what `rollcall certificates` prints, with an error or without."""
        try:
            return rollcall("certificates", self.inventory)
        except AssertionError as error:
            return str(error)


@contextmanager
def connected(authority: Pebble, address: str, name: str) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cadata=authority.root())
    with (
        socket.create_connection((address, 443), 5) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        yield secured


@pytest.fixture(scope="module")
def fronts(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronts]:
    folder = tmp_path_factory.mktemp("acme")
    with ExitStack() as stack:
        authority = stack.enter_context(pebble(folder / "pebble", free_ports(4), 80, address=GATEWAY))
        authority.lead(SHARED)
        between = stack.enter_context(
            relay(urlsplit(authority.directory).netloc, authority.ca, authority.pair, GATEWAY)
        )
        for host in FRONTS:
            stack.enter_context(names_lead(fleet, host))
        inventory = two_fronts(folder, f"https://{between.address}/dir", authority.ca)
        rollcall("deploy", inventory)
        made = Fronts(fleet, inventory, authority, between)
        try:
            wait_for("holder of the lock", made.holder, TAKEN_OVER_SECONDS)
            yield made
        finally:
            for host in FRONTS:
                # pytest shows it where a test fails.
                log = fleet.on(host, "docker logs --timestamps acme 2>&1", check=False)
                sys.stdout.write(f"{host}:\n{log}\n")
            sys.stdout.write(f"{made.certificates()}\n")
            rollcall("deploy", "--yes", LAB)
            management = fleet.secrets().tokens.secret("management")
            fleet.ask("consul1", [Ask("DELETE", f"/v1/kv/{acme_keys.PREFIX}?recurse")], management)


@contextmanager
def names_lead(fleet: Fleet, host: str) -> Iterator[None]:
    """Let the names lead to the shared address there, and one elsewhere, as the zone of a user does."""
    before = fleet.on(host, "cat /etc/hosts") + "\n"
    lines = [f"{SHARED} {name}" for name in (SHOP, CUT_OFF, *STEPS)]
    # The engine made the file and holds it, so it stays the same one.
    fleet.on(host, "cat > /etc/hosts", stdin=before + "\n".join([*lines, f"{STRANGER} {ELSEWHERE}", ""]))
    try:
        yield
    finally:
        fleet.on(host, "cat > /etc/hosts", stdin=before)


def two_fronts(folder: Path, directory: str, authority: Path) -> str:
    """Write the lab with app2 as a second front, as a user would; return its inventory."""
    own = (PROJECT / LAB).read_text()
    (folder / "lab.py").write_text(own.replace('[_hosts["front1"]]', '[_hosts["front1"], _hosts["app2"]]'))
    (folder / "group_data").mkdir()
    usual = (PROJECT / "group_data" / "fronts.py").read_text()
    acme = {
        "email": "ops@example.com",
        "names": ["*.example.com"],
        "directory": directory,
        "authority": str(authority),
    }
    (folder / "group_data" / "fronts.py").write_text(
        f'{usual}\nfront = {{**front, "virtual_address": "{SHARED}/24", "acme": {acme!r}}}\n'
    )
    return str(folder / "lab.py")


@pytest.fixture(scope="module")
def shop(fronts: Fronts) -> Iterator[str]:
    """The serial number of a site with a certificate."""
    with routed(fronts, SHOP):
        yield wait_for("certificate on both fronts", lambda: fronts.everywhere(SHOP), ORDERED_SECONDS)


@contextmanager
def routed(fronts: Fronts, name: str) -> Iterator[None]:
    label = name.partition(".")[0]
    with container(fronts.fleet, "app1", f"{label}-1", label, virtual_host=name):
        yield


class Visitors:
    """Who keeps visiting the shop on each front over TLS, and notes each visit that was not as it should be."""

    def __init__(self, fronts: Fronts, addresses: Sequence[str]) -> None:
        self._context = ssl.create_default_context(cadata=fronts.authority.root())
        self._addresses = addresses
        self._end = threading.Event()
        self.visits = 0
        self.failed: list[str] = []

    def _visit(self, address: str) -> None:
        while not self._end.wait(0.05):
            self.visits += 1
            try:
                with (
                    socket.create_connection((address, 443), 10) as connection,
                    self._context.wrap_socket(connection, server_hostname=SHOP) as secured,
                ):
                    secured.sendall(f"GET / HTTP/1.1\r\nHost: {SHOP}\r\nConnection: close\r\n\r\n".encode())
                    if not secured.recv(100).startswith(b"HTTP/1.1 200 "):
                        self.failed.append(f"{address}: another response")
            except OSError as error:
                self.failed.append(f"{address}: {error}")

    @contextmanager
    def visiting(self) -> Iterator["Visitors"]:
        with ThreadPoolExecutor() as pool:
            for address in self._addresses:
                pool.submit(self._visit, address)
            try:
                yield self
            finally:
                self._end.set()
        assert not self.failed, f"{len(self.failed)} of {self.visits}: {self.failed[:5]}"
        assert self.visits


def visitors(fronts: Fronts, *hosts: str) -> Visitors:
    return Visitors(fronts, [FRONTS[host] for host in hosts or FRONTS])


def test_a_name_is_ordered_once_and_served_by_both_fronts(fronts: Fronts, shop: str) -> None:
    assert shop and fronts.orders(SHOP) == 1
    assert wait_for("holder of the address", lambda: fronts.shown(SHOP, SHARED)) == shop
    assert "✗" not in rollcall("certificates", fronts.inventory)
    assert "✗" not in rollcall("verify", fronts.inventory)
    before = fronts.fleet.all_containers()
    rollcall("deploy", fronts.inventory)
    assert fronts.fleet.all_containers() == before


def test_a_name_that_leads_elsewhere_is_told_and_not_ordered(fronts: Fronts, shop: str) -> None:
    with routed(fronts, ELSEWHERE):
        wanted = f"{ELSEWHERE}: .*DNS leads to {STRANGER}, where no front answers on port 80"
        wait_for("reason", lambda: re.search(wanted, unwrapped(fronts.certificates())), ORDERED_SECONDS)
        assert fronts.orders(ELSEWHERE) == 0
        assert fronts.everywhere(SHOP) == shop


def unwrapped(output: str) -> str:
    return " ".join(output.split())


def kind(request: Passed) -> str:
    """Return what a request of an order is for: its method, and its path without what names one order."""
    first, *rest = request.path.strip("/").split("/")
    return f"{request.method} /{first}{'/' if rest else ''}"


def steps_of(requests: Sequence[Passed]) -> list[str]:
    """Return the requests that an order consists of, the first of each kind, from the order to its certificate."""
    kinds = [kind(one) for one in requests if one.method == "POST" and one.status < BAD_REQUEST]
    return list(dict.fromkeys(kinds[kinds.index(f"POST {NEW_ORDER}") :]))


def program_killed(fleet: Fleet, host: str) -> None:
    fleet.on(host, "kill -9 $(docker inspect -f '{{.State.Pid}}' acme)")


def front_killed(fleet: Fleet, host: str) -> None:
    fleet.on(host, "docker kill acme front keepalived")


def other(host: str) -> str:
    return next(name for name in FRONTS if name != host)


def test_the_front_that_orders_is_killed_in_each_step_and_the_other_takes_over(
    fronts: Fronts, shop: str, says: Callable[[str], None]
) -> None:
    begin = len(fronts.relay.passed)
    with routed(fronts, STEPS[0]):
        wait_for("certificate", lambda: fronts.everywhere(STEPS[0]), ORDERED_SECONDS)
        steps = steps_of(fronts.relay.passed[begin:])
        assert len(steps) >= 5, steps
        ways = (front_killed, program_killed)
        turns = [(step, ways[number % len(ways)]) for number, step in enumerate(steps)]
        for (step, way), name in zip(turns, STEPS[1:], strict=False):
            seconds = killed_at(fronts, step, way, name)
            says(f"{step}, {way.__name__}: {name} on both fronts {seconds:.0f} s after its route")
    assert fronts.everywhere(SHOP) == shop


def killed_at(fronts: Fronts, step: str, way: Callable[[Fleet, str], None], name: str) -> float:
    """Kill the front that orders when the authority has this request, and nobody its response; return the seconds."""
    had = wait_for("holder of the lock", fronts.holder, TAKEN_OVER_SECONDS)
    killed: list[int] = []

    def look(request: Passed) -> None:
        if not killed and request.status < BAD_REQUEST and kind(request) == step:
            killed.append(len(fronts.relay.passed))
            way(fronts.fleet, had)

    fronts.relay.after = look
    served = [other(had)] if way is front_killed else list(FRONTS)
    began = time.monotonic()
    try:
        with visitors(fronts, *served).visiting(), routed(fronts, name):
            wait_for(f"{step}: its end", lambda: killed, ORDERED_SECONDS)
            wait_for(
                f"{step}: certificate by the other",
                # A front gets it from its own program.
                lambda: fronts.shown(name, FRONTS[other(had)]),
                TAKEN_OVER_SECONDS,
            )
            fronts.fleet.on(had, "docker start front keepalived acme")
            wait_for(f"{step}: certificate on both", lambda: fronts.everywhere(name), TAKEN_OVER_SECONDS)
            assert fronts.orders(name) <= 2, step
            wait_for("no open challenge", lambda: not open_challenges(fronts), ORDERED_SECONDS)
    finally:
        fronts.relay.after = lambda _: None
    return time.monotonic() - began


def open_challenges(fronts: Fronts) -> list[str]:
    found = fronts.fleet.consul(f"/v1/kv/{acme_keys.CHALLENGES}?keys", "consul1")
    return list(found or ())


def test_consul_is_lost_in_the_middle_of_an_order(fronts: Fronts, shop: str, says: Callable[[str], None]) -> None:
    lost: list[float] = []

    def lose(request: Passed) -> None:
        if not lost and request.status < BAD_REQUEST and request.path.startswith(CHALLENGE):
            lost.append(time.monotonic())
            every(fronts.fleet, "docker stop --time 1 consul")

    fronts.relay.after = lose
    try:
        with visitors(fronts).visiting() as seen, routed(fronts, CUT_OFF):
            wait_for("loss of Consul", lambda: lost, ORDERED_SECONDS)
            # Longer than the session of the program lasts.
            visits = seen.visits
            wait_for("visits meanwhile", lambda: time.monotonic() > lost[0] + 40, 60)
            assert seen.visits > visits + 100 and fronts.everywhere(SHOP) == shop
            assert not fronts.everywhere(CUT_OFF)
            every(fronts.fleet, "docker start consul")
            back = time.monotonic()
            wait_for("certificate after all", lambda: fronts.everywhere(CUT_OFF), 2 * TAKEN_OVER_SECONDS)
            says(f"served {time.monotonic() - back:.0f} s after Consul's servers started")
            wait_for("no open challenge", lambda: not open_challenges(fronts), ORDERED_SECONDS)
    finally:
        fronts.relay.after = lambda _: None
        every(fronts.fleet, "docker start consul")
    assert fronts.everywhere(SHOP) == shop


def every(fleet: Fleet, command: str) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda server: fleet.on(server, command), SERVERS))


def test_a_revoked_certificate_is_replaced_on_both_fronts_when_asked(fronts: Fronts, shop: str) -> None:
    pem = (fronts.fleet.on("front1", f"cat {VOLUME}/issued/{SHOP}.pem") + "\n").encode()
    key = JWKEC(key=serialization.load_pem_private_key(pem[pem.index(b"-----BEGIN PRIVATE KEY") :], None))
    network = client.ClientNetwork(key, alg=ES256, verify_ssl=str(fronts.authority.ca))  # type: ignore[arg-type]
    directory = client.ClientV2.get_directory(fronts.authority.directory, network)
    client.ClientV2(directory, network).revoke(x509.load_pem_x509_certificate(pem), 1)
    with visitors(fronts).visiting():
        rollcall("certificates", fronts.inventory, "--renew", SHOP)
        wait_for("another certificate", lambda: fronts.everywhere(SHOP) not in ("", shop), ORDERED_SECONDS)


def test_the_key_that_encrypts_is_rotated_under_load(fronts: Fronts, shop: str) -> None:
    assert shop
    folder = deployed.folder_of(PROJECT, PROJECT / LAB)
    serial, old = fronts.everywhere(SHOP), (folder / "acme.key").read_text()
    count = sum(one.path == NEW_ORDER for one in fronts.relay.passed)
    with visitors(fronts).visiting():
        assert "Rotated acme on 6 hosts" in rollcall("rotate", fronts.inventory, "acme")
        assert (folder / "acme.key").read_text() != old
        assert fronts.everywhere(SHOP) == serial
        wait_for("holder of the lock", fronts.holder, TAKEN_OVER_SECONDS)
    for host in FRONTS:
        assert "cannot decrypt" not in fronts.fleet.on(host, "docker logs acme 2>&1")
        # Neither the old key nor a copy that it encrypted is left there.
        assert old.strip() not in fronts.fleet.on(host, "cat /etc/rollcall/acme/key")
    assert sum(one.path == NEW_ORDER for one in fronts.relay.passed) == count
    # Programs that start anew decrypt what they have with the new key alone.
    for host in FRONTS:
        fronts.fleet.on(host, "docker restart acme")
        assert fronts.everywhere(SHOP) == serial
    with routed(fronts, STEPS[-1]):
        wait_for("certificate by the new key", lambda: fronts.everywhere(STEPS[-1]), TAKEN_OVER_SECONDS)
    assert "✗" not in rollcall("verify", fronts.inventory)
