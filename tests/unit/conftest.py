"""A small fleet with checked settings, and host states, for tests of the core."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
import sample
from inventory_reading import ForkingSubprocess
from lasting_certificate import LastingCertificate
from own_components import check, resources
from six_hosts import SIX, with_sample

from rollcall.components.component import HostFacts
from rollcall.components.resolver import Resolver
from rollcall.config import inventory_reader, local_files, project
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.secrets.certificates import Certificate
from rollcall.secrets.identity import Identity
from rollcall.secrets.store import Secrets
from rollcall.secrets.tokens import Tokens

# The machine may be busy, and the first text that hypothesis makes takes it a second: neither is a failure.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def no_named_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test names by --project is no other test's project."""
    monkeypatch.setattr(project, "_named", [])
    monkeypatch.setattr(local_files, "_project", [])


@pytest.fixture(autouse=True)
def forked_reading_of_inventories(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the tests that read inventories, those of the deploy alone start a process for each, as a command does."""
    if "deploy" not in request.path.parts:
        monkeypatch.setattr(inventory_reader, "subprocess", ForkingSubprocess)


@pytest.fixture
def fleet() -> Fleet:
    return with_sample()


@pytest.fixture
def single() -> Fleet:
    data = {"address": "127.0.0.1", "services": sample.SERVICES}
    host = RawHost("@local", frozenset({"consul_servers", "backends", "fronts"}), data)
    return check("single", [host], "laptop.example.net", nowhere)


@pytest.fixture
def secret() -> Secrets:
    def certificate(name: str) -> Certificate:
        return LastingCertificate(f"CERT-{name}", f"KEY-{name}")

    nodes = [*SIX, "laptop"]
    return Secrets(
        identity=Identity("f1ee7", 0),
        gossip_key="Z29zc2lw",
        tokens=Tokens(b"tokens"),
        other_tokens=(),
        authority="CERT-CA",
        authority_end=datetime(2036, 1, 1, tzinfo=UTC),
        unfinished=(),
        agents={node: certificate(node) for node in nodes},
        fronts={node: certificate(f"front-{node}") for node in nodes},
        operator=certificate("operator"),
        services=sample.SECRETS,
    )


@pytest.fixture
def facts() -> HostFacts:
    return HostFacts("172.17.0.1", "docker0", Resolver("search lan\nnameserver 10.0.0.53\n"), 998)


Desired = Callable[[Fleet, str], dict[str, Any]]


@pytest.fixture
def desired(facts: HostFacts, secret: Secrets) -> Desired:
    def of(fleet: Fleet, name: str) -> dict[str, Any]:
        return dict(resources(fleet, name, facts, secret))

    return of
