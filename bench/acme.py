"""Measure certificates by ACME on this machine's loopback, with pebble as the authority.

How long 1 and 100 names take from their route to a certificate of their own, what is lost while 100 are renewed under
load, and what 1,000 certificates cost nginx. Authority, front, program, Consul and clients share the processors.
Requires root, to give the front's files to its user.
"""

import json
import os
import socket
import ssl
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import balancers
import click
import consul
import requests
from balancers import LABEL, Place
from clients import Clients
from conditions import print_load, run
from docker.models.containers import Container
from front_on_loopback import ACME_STATE, NAME, PORT, STATUS_PORT, TLS_PORT, front
from loopback import HTTP, consul_agent, until
from rich.table import Table

from rollcall.components import acme
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Settings
from rollcall.console import out, step
from rollcall.contract import acme_files, acme_keys
from rollcall.contract.acme_files import NameState
from rollcall.converge.resources import Mount
from rollcall.lab import stand_in
from rollcall.lab.pebble import Pebble, pebble
from rollcall.secrets import certificates, store
from rollcall.secrets.private_directory import PrivateDirectory

INSTANCE, OTHER_INSTANCE = 28521, 28522
PEBBLE_PORTS = (28541, 28542, 28543, 28544)
DOMAIN = "example.com"
# Consul's metadata values have 512 characters at most.
NAMES_OF_A_SERVICE = 25
ONE, MANY, HUGE = 1, 100, 1000
TIMEOUT_SECONDS = 600
# The user of the front and of the program.
OWNER = 101


def names_of(kind: str, count: int) -> tuple[str, ...]:
    return tuple(f"{kind}{number:03}.{DOMAIN}" for number in range(count))


def route(kind: str, names: Sequence[str]) -> None:
    """Register services for these names, behind the same instance."""
    agent = consul.Consul(port=HTTP).agent
    for first in range(0, len(names), NAMES_OF_A_SERVICE):
        meta = {"virtual_host": ",".join(names[first : first + NAMES_OF_A_SERVICE])}
        identity = f"{kind}-{first}"
        agent.service.register(
            identity, service_id=identity, address="127.0.0.1", port=INSTANCE, tags=["http"], meta=meta
        )


@contextmanager
def program(place: Place, settings: dict[str, object]) -> Iterator[Container]:
    """Run the ACME program as a deploy does, until the block ends."""
    made = Settings.model_validate({"front": {"address": "127.0.0.1", "http_port": PORT, "acme": settings}})
    member = Member(NAME, NAME, "127.0.0.1", frozenset({"consul_servers", "fronts"}), made)
    fleet = Fleet(NAME, (member,))
    secrets = store.read(PrivateDirectory(place.folder / "secrets"), fleet)
    resources = acme.resources(stand_in.context(fleet, member, secrets))
    files, hosts = place.folder / "acme", place.folder / "hosts"
    stand_in.put(resources, acme.FOLDER, files)
    config = files / "acme.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"consul": f"127.0.0.1:{HTTP}"}))
    every = (*names_of("one", ONE), *names_of("many", MANY))
    hosts.write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *every)))
    mounts = (
        Mount(str(files), acme.FOLDER),
        Mount(ACME_STATE, str(acme_files.FOLDER), read_only=False),
        Mount(str(hosts), "/etc/hosts"),
    )
    image = balancers.image("rollcall/acme:")
    wanted = replace(stand_in.container(resources), name="rollcall-bench-acme", image=image, mounts=mounts)
    running = place.engine.containers.get(stand_in.run(wanted, {"rollcall.bench": LABEL}))
    try:
        until(lambda: "orders the certificates" in running.logs().decode(), "the ACME program")
        yield running
    finally:
        running.remove(force=True, v=True)


def serial(context: ssl.SSLContext, name: str) -> str:
    """Return the serial number of a name's certificate; "" unless the context trusts it."""
    try:
        with (
            socket.create_connection(("127.0.0.1", TLS_PORT), 5) as connection,
            context.wrap_socket(connection, server_hostname=name) as secured,
        ):
            return str((secured.getpeercert() or {})["serialNumber"])
    except (ssl.SSLError, OSError):
        return ""


def wait_for_all(context: ssl.SSLContext, names: Sequence[str], other_than: dict[str, str]) -> None:
    """Wait until each name has a trusted certificate, and another than these."""
    left = list(names)

    def is_done() -> bool:
        left[:] = [name for name in left if serial(context, name) in ("", other_than.get(name))]
        time.sleep(0.1 if left else 0)
        return not left

    until(is_done, "a certificate of each name", TIMEOUT_SECONDS)


def ordered(context: ssl.SSLContext, kind: str, count: int) -> float:
    """Return the seconds from the route of names to the last one's certificate."""
    started = time.monotonic()
    route(kind, names_of(kind, count))
    wait_for_all(context, names_of(kind, count), {})
    return time.monotonic() - started


def renewed(context: ssl.SSLContext, names: tuple[str, ...]) -> tuple[float, Clients, Clients]:
    """Renew all at once under load; return the seconds, and those who keep connections and who connect anew."""
    before = {name: serial(context, name) for name in names}
    request = f"GET / HTTP/1.1\r\nHost: {names[0]}\r\n".encode()
    keeping = Clients(TLS_PORT, 16, request=request + b"\r\n", pause=0.02, names=names)
    anew = Clients(TLS_PORT, 4, request=request + b"Connection: close\r\n\r\n", pause=0.02, names=names)
    with keeping.running(), anew.running():
        until(lambda: keeping.requests > 100 and anew.requests > 10, "requests")
        started = time.monotonic()
        for name in names:
            consul.Consul(port=HTTP).kv.put(acme_keys.RENEWALS + name, "")
        wait_for_all(context, names, before)
        seconds = time.monotonic() - started
    return seconds, keeping, anew


def give(volume: Path, names: Sequence[str]) -> None:
    """Put certificates where the program has them."""
    signer = certificates.authority("bench")
    states: dict[str, NameState] = {}
    for name in names:
        pair = certificates.issue(signer, name, [name], "server")
        path = volume / acme_files.ISSUED / f"{name}.pem"
        acme_files.replace_file(path, pair.certificate + pair.key)
        os.chown(path, OWNER, OWNER)
        states[name] = NameState(name, "bench", pair.parsed.not_valid_before_utc.isoformat(), pair.end.isoformat())
    acme_files.replace_file(volume / acme_files.STATE, acme_files.written_states(states))
    os.chown(volume / acme_files.STATE, OWNER, OWNER)


def generation() -> int:
    document = requests.get(f"http://127.0.0.1:{STATUS_PORT}/status.json", timeout=60).json()
    return int(document["generation"]["number"])


def change(number: int) -> float:
    """Return the seconds from a change of an instance until nginx serves it."""
    before, started = generation(), time.monotonic()
    balancers.register(OTHER_INSTANCE) if number % 2 == 0 else balancers.deregister(OTHER_INSTANCE)
    until(lambda: generation() > before, "a followed change")
    return time.monotonic() - started


def memory(running: Container) -> float:
    """Return the memory of nginx's processes in MiB, with shared pages counted once."""
    total = 0
    for process, *_ in running.top(ps_args="-eo pid,args")["Processes"]:
        if "nginx" in Path(f"/proc/{process}/comm").read_text():
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def is_settled(running: Container) -> bool:
    """Whether no worker of an earlier configuration is left."""
    return "shutting down" not in str(running.top(ps_args="-eo pid,args")["Processes"])


def cost(running: Container, changes: int) -> tuple[float, float]:
    """Return nginx's memory, and the median of some changes."""
    until(lambda: is_settled(running), "workers of one configuration")
    return memory(running), statistics.median(change(number) for number in range(changes * 2))


@click.command()
@click.option("--changes", default=5, show_default=True, type=click.IntRange(1), help="Pairs of them, for the median.")
def main(changes: int) -> None:
    """Measure certificates by ACME."""
    client = balancers.prepared()
    table = Table("what", "figure")
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary, ExitStack() as stack:
        place = Place(client, Path(temporary), (INSTANCE, OTHER_INSTANCE))
        place.folder.chmod(0o755)
        authority: Pebble = stack.enter_context(pebble(place.folder / "pebble", PEBBLE_PORTS, PORT))
        stack.enter_context(consul_agent(place.folder))
        stack.enter_context(balancers.instances(place))
        balancers.register(INSTANCE)
        settings: dict[str, object] = {
            "email": "ops@example.com",
            "names": [f"*.{DOMAIN}"],
            "directory": authority.directory,
            "authority": str(authority.ca),
        }
        stack.callback(lambda: client.volumes.get(ACME_STATE).remove())
        front_image = balancers.image("rollcall/front:")
        running = stack.enter_context(
            front(client, front_image, place.folder, LABEL, balancers.SERVICE, acme=settings, access_log="short")
        )
        until(_responds, "a response of the front")
        context = ssl.create_default_context(cadata=authority.root())
        with program(place, settings):
            for kind, count in (("one", ONE), ("many", MANY)):
                with step(f"Ordering {count}"):
                    table.add_row(f"route → certificate served, {count}", f"{ordered(context, kind, count):.1f} s")
            with step(f"Renewing {MANY} under load"):
                seconds, keeping, anew = renewed(context, names_of("many", MANY))
            for title, clients in (("connections kept", keeping), ("new connections", anew)):
                lost = f"{clients.requests - clients.fates['200']} of {clients.requests}"
                table.add_row(f"requests lost in {seconds:.1f} s, {MANY} renewed, {title}", f"{lost} {clients.broken}")
        names = names_of("huge", HUGE)
        with step(f"{HUGE} sites with the fleet's own certificate"):
            route("huge", names)
            until(lambda: _has_sites(HUGE), "all sites", TIMEOUT_SECONDS)
            _add(table, f"{HUGE} sites, one certificate", cost(running, changes))
        with step(f"{HUGE} certificates"):
            volume = Path(client.volumes.get(ACME_STATE).attrs["Mountpoint"])
            started = time.monotonic()
            give(volume, names)
            made = time.monotonic() - started
            trusting = ssl._create_unverified_context()
            until(lambda: _issuer(trusting, names[-1]) == b"bench", "the last certificate", TIMEOUT_SECONDS)
            out.print(f"[dim]made in {made:.1f} s, served {time.monotonic() - started - made:.1f} s later[/]")
            _add(table, f"{HUGE} sites, {HUGE} certificates", cost(running, changes))
    out.print(table)
    print_load()


def _add(table: Table, title: str, figures: tuple[float, float]) -> None:
    table.add_row(f"nginx's memory, {title}", f"{figures[0]:.0f} MiB")
    table.add_row(f"change → served, {title}", f"{figures[1]:.2f} s")


def _responds() -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{PORT}/", timeout=5).status_code > 0
    except requests.RequestException:
        return False


def _has_sites(count: int) -> bool:
    document = requests.get(f"http://127.0.0.1:{STATUS_PORT}/status.json", timeout=60).json()
    return len(document.get("certificates", ())) >= count


def _issuer(context: ssl.SSLContext, name: str) -> bytes:
    """Return the issuer's name, by what the server sends."""
    with (
        socket.create_connection(("127.0.0.1", TLS_PORT), 5) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        sent = secured.getpeercert(binary_form=True) or b""
    return b"bench" if b"\x0c\x05bench" in sent else b""


if __name__ == "__main__":
    run(main)
