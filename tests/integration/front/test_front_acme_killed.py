"""The program that orders dies, or freezes, at each step of an order: the other front's program finishes the work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from acme_site import SECONDS, STEPS, Site, World, payload, route
from acme_world import Program
from front_world import LABELS
from own_consul import joined
from relay import Passed, Relay, relay
from waiting import always, until

from rollcall.contract import acme_keys

# Consul frees the lock of a dead program after up to half a minute, each time.
pytestmark = pytest.mark.long

TAKEN_OVER_SECONDS = 2 * SECONDS
NEW_ACCOUNT, NEW_ORDER, CHALLENGE = "/sign-me-up", "/order-plz", "/chalZ/"
CREATED, BAD_REQUEST = 201, 400
FINALIZE, CERTIFICATE = "/finalize-order/", "/certZ/"


@dataclass
class Two:
    """The program beside the front that responds, `ours`, and another front's, `other`, which talks through `agent`."""

    world: World
    catalog: Any
    agent: Relay
    ours: Program
    other: Program

    def holder(self) -> str:
        """Return the node whose program orders."""
        entry = self.catalog.api.kv.get(acme_keys.LOCK)[1]
        return entry["Value"].decode() if entry and entry.get("Session") else ""

    def let_other_order(self) -> None:
        self.other.container.start()
        until(self.holder, "a holder of the lock", TAKEN_OVER_SECONDS)
        if self.holder() != "app2":
            self.ours.container.stop()
            until(lambda: self.holder() == "app2", "the other's lock", TAKEN_OVER_SECONDS)
            self.ours.container.start()

    def orders(self, name: str) -> int:
        """Return how many orders the authority took for a name; it rejects some requests for their nonces."""
        return sum(
            request.path == NEW_ORDER and request.status == CREATED and name in payload(request)
            for request in self.world.relay.passed
        )

    def open_challenges(self) -> list[str]:
        return [entry["Key"] for entry in self.catalog.api.kv.get(acme_keys.CHALLENGES, recurse=True)[1] or ()]


@pytest.fixture
def two(acme_site: Site, catalog, engine) -> Iterator[Two]:
    with acme_site() as world, joined(catalog, engine, LABELS, "app2") as address, relay(address) as agent:
        world.programs.agents["app2"] = agent.address
        other = world.start("app2", volume="rollcall-test-front-acme-2")
        made = Two(world, catalog, agent, world.start(), other)
        until(made.holder, "a holder of the lock", SECONDS)
        yield made


Step = Callable[[Two, Callable[[], object]], None]


def once(matches: Callable[[Passed], bool], act: Callable[[], object]) -> Callable[[Passed], None]:
    """Act at the first request that matches."""
    seen: list[Passed] = []

    def look(request: Passed) -> None:
        # The authority rejects some requests for their nonces on purpose.
        if not seen and request.status < BAD_REQUEST and matches(request):
            seen.append(request)
            act()

    return look


def asked(path: str) -> Step:
    """When the program has sent this to the authority, which has it, and has not seen the response."""
    return lambda two, act: setattr(two.world.relay, "after", once(lambda one: one.path.startswith(path), act))


def proven(two: Two, act: Callable[[], object]) -> None:
    """When the program has sent the last request of an order, and the authority has not seen it."""
    two.world.relay.before = once(lambda one: one.path.startswith(FINALIZE), act)  # type: ignore[assignment]


def written(prefix: str) -> Step:
    """When Consul has a key, and the program does not know so."""

    def is_written(request: Passed) -> bool:
        return request.method == "PUT" and request.path.startswith(f"/v1/kv/{prefix}")

    return lambda two, act: setattr(two.agent, "after", once(is_written, act))


KILLED_AT: dict[str, Step] = {
    "account made": asked(NEW_ACCOUNT),
    "account in Consul": written(acme_keys.ACCOUNTS),
    "order made": asked(NEW_ORDER),
    "challenge in Consul": written(acme_keys.CHALLENGES),
    "authority told": asked(CHALLENGE),
    "name proven": proven,
    "certificate made": asked(FINALIZE),
    "certificate fetched": asked(CERTIFICATE),
    "certificate in Consul": written(acme_keys.CERTIFICATES),
    "state in Consul": written(acme_keys.STATES),
}


def test_killed_at_any_step_it_is_followed_by_the_other_program(two: Two, catalog, backends) -> None:
    for (step, prepare), name in zip(KILLED_AT.items(), STEPS, strict=False):
        two.let_other_order()
        if prepare is KILLED_AT["account in Consul"]:
            catalog.api.kv.delete(acme_keys.ACCOUNTS, recurse=True)
        killed: list[int] = []

        def kill(killed: list[int] = killed, name: str = name) -> None:
            two.other.container.kill()
            killed.append(two.orders(name))

        prepare(two, kill)
        route(catalog, backends, name)
        until(lambda killed=killed: killed, f"{step}: its end", SECONDS)
        until(lambda name=name: two.world.serial(name), f"{step}: a certificate", TAKEN_OVER_SECONDS)
        until(lambda: two.holder() == "app1" and not two.open_challenges(), f"{step}: no challenge", TAKEN_OVER_SECONDS)
        assert not two.world.error(name), step
        # What Consul has is not ordered again; otherwise once more.
        again = 0 if step.endswith("in Consul") and step.startswith(("certificate", "state")) else 1
        assert two.orders(name) == killed[0] + again, step


def test_frozen_in_an_order_it_finds_that_another_program_orders_by_now(two: Two, catalog, backends) -> None:
    (name, *_) = STEPS
    two.let_other_order()
    asked(CHALLENGE)(two, lambda: two.other.container.kill("SIGSTOP"))
    route(catalog, backends, name)
    serial = until(lambda: two.world.serial(name), "a certificate", TAKEN_OVER_SECONDS)
    assert two.holder() == "app1"
    finished = two.world.relay.count(FINALIZE)
    two.other.container.kill("SIGCONT")
    until(lambda: "another front orders by now" in two.other.log(), "the end of its order", SECONDS)
    always(lambda: two.world.relay.count(FINALIZE) == finished == 1, "one certificate alone", 3)
    assert two.world.serial(name) == serial
    until(lambda: two.other.has(name), "the other's copy", SECONDS)
    assert not two.open_challenges()
