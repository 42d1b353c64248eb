"""This repository's own components: a fleet checked by them, and what they want on a host."""

from collections.abc import Mapping, Sequence

from rollcall.components import declared, loading
from rollcall.components.component import Context, HostFacts
from rollcall.config.fleet import Fleet, Locate, RawHost, nowhere
from rollcall.config.project import CHECKOUT
from rollcall.converge.resources import Resource
from rollcall.secrets.store import Secrets

COMPONENTS = declared.components(CHECKOUT)


def check(name: str, hosts: Sequence[RawHost], local_hostname: str = "laptop", locate: Locate = nowhere) -> Fleet:
    return loading.check(name, hosts, local_hostname, locate, COMPONENTS)


def resources(fleet: Fleet, name: str, facts: HostFacts, secrets: Secrets) -> Mapping[str, tuple[Resource, ...]]:
    return declared.resources(Context(fleet, fleet.member(name), facts, secrets), COMPONENTS)
