"""The hosts of one inventory with their checked settings: what every component is a function of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Literal

from rollcall.config import node_name
from rollcall.config.layers import Layer
from rollcall.errors import RollcallError

if TYPE_CHECKING:  # pydantic is slow to import, and commands need only the names here before they run
    from rollcall.config.forms import ImageSource
    from rollcall.config.settings import Settings

Mode = Literal["internal", "published"]
# Where a setting of a host stands in the user's files, for error sentences.
Locate = Callable[[str, tuple[str | int, ...]], str]


# How the names of our own images begin where they are in no registry.
OURS = "rollcall/"


@dataclass(frozen=True)
class Member:
    """One host: its name in the inventory, its name in Consul, and what is set for it."""

    name: str
    node: str
    address: str
    groups: frozenset[str]
    settings: "Settings"

    @property
    def is_server(self) -> bool:
        """Whether its Consul agent is a server."""
        return "consul_servers" in self.groups

    @property
    def is_front(self) -> bool:
        """Whether it runs nginx with consul-template."""
        return "fronts" in self.groups

    def image(self, image: str) -> str:
        """Name an image as the host asks for it: one of ours in the registry that is set, any other as it is."""
        registry = self.settings.registry
        return f"{registry}/{image}" if registry and image.startswith(OURS) else image

    def image_source(self, image: str, chosen: "ImageSource | None") -> "ImageSource":
        """Say where an image comes from: its own setting, else the host's.

        Without either, this machine pushes Rollcall's own images, which no public registry has, unless one is set.
        """
        default: ImageSource = "push" if self.image(image).startswith(OURS) else "pull"
        return chosen or self.settings.image_source or default

    @property
    def site_name(self) -> str:
        """A host name that the default site of its front answers to; its address where any name will do."""
        return self.settings.front.server_name or self.address


@dataclass(frozen=True)
class Fleet:
    """All hosts of an inventory, in the inventory's order."""

    name: str
    members: tuple[Member, ...]

    def member(self, name: str) -> Member:
        """Give the host of that inventory name.

        Raises:
            KeyError: no host has that name.
        """
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Member]:
        return {member.name: member for member in self.members}

    @cached_property
    def servers(self) -> tuple[Member, ...]:
        """The hosts whose agents are Consul servers."""
        return tuple(member for member in self.members if member.is_server)

    @cached_property
    def fronts(self) -> tuple[Member, ...]:
        """The hosts that run nginx with consul-template."""
        return tuple(member for member in self.members if member.is_front)

    @property
    def names(self) -> Mapping[str, str]:
        """The hosts' names by address."""
        return {member.address: member.name for member in self.members}

    @property
    def mode(self) -> Mode:
        """Whether services are registered by container address or by the host's published ports."""
        chosen = self.members[0].settings.registrator.mode
        if chosen == "auto":
            return "internal" if len(self.members) == 1 else "published"
        return chosen


@dataclass(frozen=True)
class RawHost:
    """A host as the inventory gives it: data not yet checked."""

    name: str
    groups: frozenset[str]
    data: Mapping[str, Any] = field(repr=False)
    layers: tuple[Layer, ...] = field(default=(), repr=False)


def nowhere(_host: str, _path: tuple[str | int, ...]) -> str:
    """Locate nothing: for callers that have no files to point at."""
    return ""


def default_address(host: RawHost) -> str | None:
    """Take the address from the name SSH uses, if that is an address other hosts can reach."""
    for candidate in (host.data.get("ssh_hostname"), host.name):
        try:
            address = IPv4Address(str(candidate))
        except ValueError:
            continue
        return None if address.is_loopback else str(address)
    return None


def member(host: RawHost, settings: "Settings", local_hostname: str, locate: Locate, *, alone: bool) -> Member:
    """Join a host's checked settings with its name and address.

    Raises:
        RollcallError: there is no address that other hosts could use, or no name that Consul could.
    """
    address = settings.address or default_address(host) or ("127.0.0.1" if alone else None)
    if address is None:
        raise RollcallError(
            f"{locate(host.name, ('address',))}address: missing, and the SSH name is no IPv4 address that other hosts "
            f'could reach; expected one, as in ("{host.name}", {{"address": "10.0.0.1", …}})'
        )
    if not alone and IPv4Address(address).is_loopback:
        raise RollcallError(
            f"{locate(host.name, ('address',))}address: got {address} for {host.name}, which other hosts cannot reach; "
            "expected the address of its network card"
        )
    node = settings.node or node_name.of(host.name, local_hostname)
    if why := node_name.problem(node, host.name):
        raise RollcallError(f"{locate(host.name, ('node',))}node: {why}")
    return Member(host.name, node, address, host.groups, settings)


def names(members: Iterable[Member]) -> str:
    """List hosts for a sentence."""
    return ", ".join(member.name for member in members)
