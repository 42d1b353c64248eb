"""What a visitor and an operator notice when the authority, a certificate, a clock or DNS goes wrong."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import docker
import pytest
from acme import client
from acme_site import ELSEWHERE, OTHER, SECONDS, SHOP, Site, World, payload, route
from acme_world import Program
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from program_clock import Clock, clock
from relay import Answer, Passed
from removal import remove
from waiting import always, until

from rollcall.contract import acme_keys
from rollcall.lab import stand_in

NEW_ORDER = "/order-plz"


@pytest.fixture
def clocked(engine: docker.DockerClient, tmp_path: Path) -> Clock:
    return clock(engine, tmp_path / "clock")


@pytest.fixture
def world(acme_site: Site, clocked: Clock) -> Iterator[World]:
    with acme_site() as running:
        running.programs.clock = clocked
        yield running


@pytest.fixture
def served(world: World, catalog, backends) -> str:
    """A site with a certificate; the serial number of it."""
    world.start()
    route(catalog, backends, SHOP)
    return until(lambda: world.serial(SHOP), "a certificate", SECONDS)


def next_try(world: World, name: str) -> datetime:
    return datetime.fromisoformat(world.certificate(name)["next_try"])


def test_while_the_authority_is_down_the_old_certificate_serves_and_it_recovers_by_itself(
    world: World, served: str, clocked: Clock, catalog, backends
) -> None:
    world.relay.down()
    catalog.api.kv.put(acme_keys.RENEWALS + SHOP, "")
    until(lambda: world.error(SHOP), "the reason", SECONDS)
    # The authority's advice, which cannot be read either, may have been asked for first.
    soon = timedelta(hours=1)
    until(lambda: next_try(world, SHOP) < clocked.now() + soon, "a renewal that failed", SECONDS)
    waits: list[float] = []
    for _ in range(5):
        assert world.error(SHOP).startswith(f"cannot reach {world.front.settings['acme']['directory']}: ")
        following = next_try(world, SHOP)
        waits.append((following - clocked.now()).total_seconds())
        clocked.advance(following - clocked.now() + timedelta(seconds=1))
        until(lambda following=following: next_try(world, SHOP) > following, "another try", SECONDS)
        assert world.serial(SHOP) == served
    assert all(later > 1.5 * earlier for earlier, later in pairwise(waits)), waits
    texts = [problem["text"] for problem in world.front.document()["problems"]]
    assert any(text.startswith(f"{SHOP}: its certificate is not renewed, and ends on ") for text in texts), texts

    # A name whose route came meanwhile says so, too; when the outage ends, neither waits for its next try.
    route(catalog, backends, SHOP, OTHER)
    until(lambda: world.error(OTHER).startswith("cannot reach "), "the other name's reason", SECONDS)
    assert next_try(world, SHOP) - clocked.now() > timedelta(minutes=5)
    world.relay.up()
    until(lambda: world.serial(SHOP) not in ("", served), "a new certificate", SECONDS)
    until(lambda: world.serial(OTHER), "the certificate of the other name", SECONDS)
    until(lambda: not world.error(SHOP) and not world.error(OTHER), "no error", SECONDS)
    assert not catalog.api.kv.get(acme_keys.RENEWALS, recurse=True)[1]


def limited(request: Passed) -> Answer | None:
    """Refuse the shop's orders as Let's Encrypt does."""
    if request.path != NEW_ORDER or SHOP not in payload(request):
        return None
    problem = {
        "type": "urn:ietf:params:acme:error:rateLimited",
        "detail": "too many certificates (5) already issued for this exact set of identifiers",
        "status": 429,
    }
    headers = {"Content-Type": "application/problem+json", "Retry-After": "7200", "Replay-Nonce": "bm9uY2U"}
    return Answer(429, json.dumps(problem).encode(), headers)


@pytest.mark.long
def test_a_rate_limit_is_told_and_its_retry_after_respected(world: World, clocked: Clock, catalog, backends) -> None:
    world.relay.before = limited
    world.start()
    route(catalog, backends, SHOP)
    until(lambda: world.error(SHOP), "the reason", SECONDS)
    assert world.error(SHOP) == (
        "the authority refuses: too many certificates (5) already issued for this exact set of identifiers"
    )
    assert (next_try(world, SHOP) - clocked.now()).total_seconds() == pytest.approx(7200, abs=SECONDS)

    # It may be the name's own, so it delays no other name.
    route(catalog, backends, SHOP, OTHER)
    until(lambda: world.serial(OTHER), "a certificate of the name without a limit", SECONDS)
    world.relay.before = lambda _: None
    clocked.set(timedelta(minutes=115))
    always(lambda: not world.serial(SHOP), "no order before its time", 3)
    clocked.set(timedelta(minutes=121))
    until(lambda: world.serial(SHOP), "a certificate", SECONDS)


def revoke(world: World, program: Program) -> None:
    """Revoke the shop's certificate by its own key, as somebody does who found it."""
    pem = (program.files / "issued" / f"{SHOP}.pem").read_bytes()
    key = JWKEC(key=serialization.load_pem_private_key(pem[pem.index(b"-----BEGIN PRIVATE KEY") :], None))
    network = client.ClientNetwork(key, alg=ES256, verify_ssl=str(world.authority.ca))
    directory = client.ClientV2.get_directory(world.front.settings["acme"]["directory"], network)
    client.ClientV2(directory, network).revoke(x509.load_pem_x509_certificate(pem), 1)


@pytest.mark.long
def test_a_revoked_certificate_is_replaced_once_the_authority_says_so(
    world: World, served: str, clocked: Clock
) -> None:
    (program,) = world.programs.running
    until(lambda: world.relay.count("/renewalInfo/"), "a question when to renew", SECONDS)
    revoke(world, program)
    always(lambda: world.serial(SHOP) == served, "the certificate until somebody is asked", 2)
    clocked.set(timedelta(hours=6, minutes=5))
    until(lambda: world.serial(SHOP) not in ("", served), "another certificate", SECONDS)


@pytest.mark.long
@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=40), "this host's clock is 40.0 days ahead of the authority's; correct it"),
        (timedelta(days=-40), "certificate is not yet valid; this host's clock says "),
        (timedelta(days=40 * 365), "certificate has expired; this host's clock says "),
    ],
)
def test_a_wrong_clock_is_told_and_orders_nothing_until_it_is_right(
    world: World, clocked: Clock, catalog, backends, ahead: timedelta, words: str
) -> None:
    clocked.set(ahead)
    world.start()
    route(catalog, backends, SHOP)
    until(lambda: world.error(SHOP), "the reason", SECONDS)
    assert words in world.error(SHOP)
    if "says" in words:
        assert f"clock says {clocked.now():%Y-%m-%d}" in world.error(SHOP)
    assert world.relay.count(NEW_ORDER) == 0
    # Beyond the first wait, which is the same for whatever comes before an order.
    clocked.set(timedelta(minutes=2))
    until(lambda: world.serial(SHOP), "a certificate", SECONDS)
    until(lambda: not world.error(SHOP), "no error", SECONDS)


@pytest.mark.long
def test_a_clock_past_a_certificates_end_is_told_and_visitors_notice_nothing(
    world: World, served: str, clocked: Clock, image: Callable[[str], str]
) -> None:
    front = world.front
    remove(front.container)
    container = stand_in.container(front.resources)
    front.start(image, [clocked.mount], environment=(*container.environment, *clocked.environment))
    until(lambda: front.status() and world.serial(SHOP) == served, "the site", SECONDS)
    clocked.set(timedelta(days=120))
    until(lambda: "it ended on " in world.error(SHOP), "the end", SECONDS)
    until(lambda: "this host's clock is 120.0 days ahead" in world.error(SHOP), "the reason", SECONDS)
    (problem,) = [one for one in front.document()["problems"] if one["subject"] == SHOP]
    assert (problem["kind"], problem["severity"]) == ("expired", "outage")
    assert "and is still served: this host's clock is 120.0 days ahead" in problem["text"]
    always(lambda: world.serial(SHOP) == served, "the certificate", 12)
    # A front that starts anew with this clock, and a program, serve it, too.
    front.container.restart()
    (program,) = world.programs.running
    program.container.restart()
    until(lambda: front.status() and world.error(SHOP), "the restarted front", SECONDS)
    assert world.serial(SHOP) == served
    clocked.set(timedelta())
    until(lambda: not world.error(SHOP), "no error", SECONDS)
    assert world.serial(SHOP) == served


@contextmanager
def stranger(address: str) -> Iterator[list[str]]:
    """Run somebody else's server, which answers everything; give the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.path.rpartition("/")[2].encode())

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    server = http.server.HTTPServer((address, 80), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.long
def test_a_name_that_leads_to_a_stranger_is_not_ordered(world: World, clocked: Clock, catalog, backends) -> None:
    world.start()
    with stranger("127.0.0.9") as asked:
        route(catalog, backends, ELSEWHERE, SHOP)
        until(lambda: world.error(ELSEWHERE), "the reason", SECONDS)
        assert world.error(ELSEWHERE) == "DNS leads to 127.0.0.9, where no front answers on port 80"
        assert asked and all(path.startswith("/.well-known/acme-challenge/") for path in asked)
    until(lambda: world.serial(SHOP), "the certificate of the name that leads here", SECONDS)
    assert world.relay.count(NEW_ORDER) == 1
    assert not catalog.api.kv.get(acme_keys.CHALLENGES, recurse=True)[1]
    assert next_try(world, ELSEWHERE) < datetime.now(UTC) + timedelta(minutes=2)
