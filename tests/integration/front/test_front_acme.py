"""Certificates by ACME: a real authority, a real front, a real Consul, and programs beside two fronts."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import name_server
import pytest
from acme_site import ELSEWHERE, OTHER, SECONDS, SHOP, UNLISTED, Site, World, route
from acme_world import Program
from front_world import LABELS
from own_consul import joined
from removal import remove

from rollcall.acme.sealed import Sealer
from rollcall.config.project import CHECKOUT
from rollcall.contract import acme_keys
from rollcall.secrets import store

# pebble is built by Go: half a minute the first time.
pytestmark = pytest.mark.long


@pytest.fixture
def world(acme_site: Site) -> Iterator[World]:
    with acme_site() as running:
        yield running


def test_each_routed_name_that_is_listed_gets_its_own_certificate(
    world: World, catalog, backends, until: Callable[..., None]
) -> None:
    program = world.start()
    route(catalog, backends, SHOP, OTHER, UNLISTED, ELSEWHERE)
    until(lambda: world.serial(SHOP) and world.serial(OTHER), "certificates of both", SECONDS)
    assert world.serial(SHOP) != world.serial(OTHER)
    assert not world.serial(UNLISTED)

    # The fleet's own serves names without one; what DNS leads elsewhere is not ordered, and a problem.
    until(lambda: world.certificate(ELSEWHERE).get("error"), "the reason", SECONDS)
    assert world.certificate(ELSEWHERE)["error"] == "DNS leads to 127.0.0.9, where no front answers on port 80"
    assert "ordering" not in "".join(line for line in program.log().splitlines() if ELSEWHERE in line)
    assert UNLISTED not in program.log()
    kinds = [(one["kind"], one["subject"]) for one in world.front.document()["problems"]]
    assert ("certificate", ELSEWHERE) in kinds and ("certificate", SHOP) not in kinds
    assert world.certificate(SHOP)["source"] == "acme" and world.certificate(SHOP)["next_try"]

    # In Consul: no key in the clear, and nothing left open.
    keys = {entry["Key"]: entry["Value"] for entry in catalog.api.kv.get(acme_keys.PREFIX, recurse=True)[1]}
    assert {acme_keys.CERTIFICATES + name for name in (SHOP, OTHER)} <= set(keys)
    assert not any(b"PRIVATE" in value or b"CERTIFICATE" in value for value in keys.values() if value)
    assert not any(key.startswith(acme_keys.CHALLENGES) for key in keys)

    # A container's own challenges reach it where no order is open, and the redirect comes first for all else.
    assert world.front.get("/.well-known/acme-challenge/abc", host=SHOP).status == 301

    # Renewed at the user's request, without a new connection that fails.
    before = world.serial(SHOP)
    catalog.api.kv.put(acme_keys.RENEWALS + SHOP, "")
    until(lambda: world.serial(SHOP) not in ("", before), "another certificate", SECONDS)
    assert catalog.api.kv.get(acme_keys.RENEWALS + SHOP)[1] is None


@pytest.fixture
def app2(catalog, engine, world: World) -> Iterator[None]:
    """Run the Consul agent of another host."""
    with joined(catalog, engine, LABELS, "app2") as address:
        world.programs.agents["app2"] = address
        yield


@pytest.mark.usefixtures("app2")
def test_one_of_several_orders_and_any_front_answers(world: World, catalog, backends, until) -> None:
    other = world.start("app2", volume="rollcall-test-front-acme-2")
    until(lambda: "orders the certificates" in other.log(), "the lock", SECONDS)
    ours = world.start()
    route(catalog, backends, SHOP)
    # The authority asks the front beside `ours`, and `other` orders.
    until(lambda: world.serial(SHOP), "a certificate", SECONDS)
    assert "ordering" in other.log() and "ordering" not in ours.log()
    until(lambda: ours.has(SHOP) and other.has(SHOP), "copies on both fronts", SECONDS)

    # Killed, it is followed by the other; Consul ends its session after at most two of its TTLs.
    other.container.kill()
    route(catalog, backends, SHOP, OTHER)
    until(lambda: world.serial(OTHER), "a certificate by the other program", 2 * SECONDS)
    assert "orders the certificates of all fronts" in ours.log()

    # What Consul loses is written back; a front serves without Consul and without the program.
    catalog.api.kv.delete(acme_keys.CERTIFICATES, recurse=True)
    until(lambda: catalog.api.kv.get(acme_keys.CERTIFICATES + OTHER)[1], "the certificate in Consul", SECONDS)
    serial = world.serial(SHOP)
    ours.container.kill()
    world.front.container.restart()
    until(lambda: world.front.status() != 0, "the front", SECONDS)
    assert world.serial(SHOP) == serial


def redeployed(world: World, program: Program, key: str, *others: str) -> Program:
    """Replace the program by one with these keys, as a step of a rotation does."""
    program.container.stop()
    remove(program.container)
    world.programs.running.remove(program)
    world.programs.secret = replace(world.programs.secret, acme_key=key, other_acme_keys=others)
    return world.start()


def test_the_key_that_encrypts_is_rotated_without_another_order(world: World, catalog, backends, until) -> None:
    program, old, new = world.start(), world.programs.secret.acme_key, store.new(store.ACME_KEY).strip()
    route(catalog, backends, SHOP)
    serial = until(lambda: world.serial(SHOP), "a certificate", SECONDS)

    def sealed_by(key: str) -> bool:
        entry = catalog.api.kv.get(acme_keys.SEALED_BY)[1]
        return bool(entry and entry["Value"].decode() == acme_keys.fingerprint(key))

    program = redeployed(world, program, old, new)
    until(lambda: "orders the certificates" in program.log() and sealed_by(old), "the first key", SECONDS)
    program = redeployed(world, program, new, old)
    until(lambda: sealed_by(new), "the next key", SECONDS)
    program = redeployed(world, program, new)
    until(lambda: program.has(SHOP) and "orders the certificates" in program.log(), "its certificate", SECONDS)
    entries = catalog.api.kv.get(acme_keys.PREFIX, recurse=True)[1]
    encrypted = [one for one in entries if one["Key"].startswith((acme_keys.CERTIFICATES, acme_keys.ACCOUNTS))]
    assert len(encrypted) == 2 and all(Sealer(new).open(one["Key"], one["Value"]) for one in encrypted)
    assert "cannot decrypt" not in program.log()
    assert world.serial(SHOP) == serial and program.log().count("ordering") == 0


def example(page: Path) -> str:
    """Return the program of docs/https.md."""
    (text,) = [text for text in re.findall(r"```python\n(.*?)```", page.read_text(), re.S) if text.startswith("#!")]
    return text


def test_records_in_dns_prove_wildcards_and_names_that_lead_nowhere(
    acme_site: Site, catalog, backends, engine, until, tmp_path: Path
) -> None:
    hook = tmp_path / "dns-hook"
    hook.write_text(example(CHECKOUT / "docs/https.md"))
    with name_server.running(engine, tmp_path / "bind") as server:
        zone = {"SERVER": server.address, "ZONE": name_server.ZONE, "KEY_NAME": name_server.KEY_NAME}
        dns = {"hook": str(hook), "environment": zone, "secrets": ["tsig"]}
        with acme_site(server.address, {"tsig": server.key}, dns=dns) as world:
            program = world.start()
            route(catalog, backends, SHOP, "*.example.com")
            until(lambda: world.serial("any.example.com"), "the wildcard's certificate", SECONDS)
            # Until it has its own, the wildcard's serves it.
            until(lambda: world.serial(SHOP) != world.serial("any.example.com"), "its own certificate", SECONDS)
            assert world.serial(SHOP)
            until(lambda: server.texts("_acme-challenge.shop.example.com") == [], "a zone without the record")
            until(lambda: server.texts("_acme-challenge.example.com") == [], "a zone without the wildcard's record")
            assert server.key not in program.log()

            # Without its provider an order says why; the wildcard's certificate serves the name meanwhile.
            engine.containers.get(server.container).kill()
            route(catalog, backends, SHOP, OTHER, "*.example.com")
            until(lambda: world.certificate(OTHER).get("error"), "the reason", SECONDS)
            assert world.certificate(OTHER)["error"].startswith("the DNS hook's add exited with 1: ")
            assert world.serial(OTHER) == world.serial("any.example.com")
