"""What verify takes for drift of a service whose image a deploy resolved to a digest."""

from dataclasses import replace

from inspect_documents import image, network, running
from six_hosts import checked

from rollcall.components.component import Component
from rollcall.converge.docker_query import EngineState
from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container
from rollcall.secrets.store import Secrets
from rollcall.verify import drift

SHOP = Container("shop-1", "example/shop:1.4", "services")
SOURCE = image("sha256:one")
BRIDGE = {**network("bridge"), "Labels": {}}


def changes(deployed: str, wanted: str, secret: Secrets) -> list[str]:
    document = running(replace(SHOP, image=deployed), SOURCE)
    engine = EngineState({"shop-1": document}, {SOURCE["Id"]: SOURCE}, {"bridge": BRIDGE}, {}, frozenset({"shop-1"}))
    state = HostState(engine=engine)
    fleet = checked()
    component = Component("services", lambda _: (replace(SHOP, image=wanted),))
    resources = drift.declared(fleet, fleet.members[0], secret, state, (component,))
    return [str(change) for change in drift.drift(resources, state)]


def test_a_tag_that_a_deploy_resolved_is_no_drift(secret: Secrets) -> None:
    assert changes("example/shop:1.4@sha256:abc", "example/shop:1.4", secret) == []


def test_another_tag_is(secret: Secrets) -> None:
    assert "replace container shop-1" in "".join(changes("example/shop:1.3@sha256:abc", "example/shop:1.4", secret))
