"""What is read of a host so that it can be compared with what should be there."""

from collections.abc import Iterable
from dataclasses import dataclass

from rollcall import components
from rollcall.components import backend, consul, dns, front, socket_filter, template_sync
from rollcall.config.fleet import Fleet, Member
from rollcall.converge.docker_query import Wanted
from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container, Directory, Network, Thing, Volume
from rollcall.secrets.store import Secrets

RESOLVER_TEXTS = (dns.RESOLV_CONF, dns.RESOLVED_UPSTREAM)
# What will be read does not depend on these, only what will be wanted does.
_UNKNOWN = components.HostFacts("0.0.0.0", "docker0", dns.Resolver(""), 0)  # noqa: S104


@dataclass(frozen=True)
class Reading:
    """The arguments of `state.script`.

    `wanted` is for the engine, `paths` are files outside /etc/rollcall whose digests, and `texts` those whose texts are
    to be read; `directories` are looked at without what is in them.
    """

    wanted: Wanted
    paths: tuple[str, ...]
    texts: tuple[str, ...]
    directories: tuple[str, ...] = ()


def reading(fleet: Fleet, member: Member, secrets: Secrets) -> Reading:
    """Say what is to be read of one host."""
    desired = components.desired(fleet, member, _UNKNOWN, secrets)
    things = [thing for part in desired.values() for thing in part]
    retired = sorted(thing.retired for thing in things if isinstance(thing, Container) and thing.overlap)
    return Reading(
        wanted=Wanted(
            containers=(*_names(things, Container), *retired),
            images=tuple(sorted({thing.image for thing in things if isinstance(thing, Container)})),
            networks=tuple(sorted({backend.NETWORK, *_names(things, Network)})),
            volumes=tuple(
                sorted(
                    {consul.VOLUME, front.VOLUME, template_sync.VOLUME, socket_filter.VOLUME, *_names(things, Volume)}
                )
            ),
        ),
        paths=(dns.RESOLVED_DROP_IN, dns.RESOLVED_DROP_IN.rsplit("/", 1)[0]),
        texts=(*RESOLVER_TEXTS, consul.IDENTITY),
        directories=tuple(thing.path for thing in things if isinstance(thing, Directory) and thing.shared),
    )


def facts(state: HostState) -> components.HostFacts:
    """Find in what was read the little that components must know."""
    resolver = dns.Resolver(*(state.texts.get(path, "") for path in RESOLVER_TEXTS))
    return components.HostFacts(state.bridge, state.bridge_interface, resolver, state.socket_group, state.interfaces)


def _names(things: Iterable[Thing], kind: type[Container | Network | Volume]) -> tuple[str, ...]:
    return tuple(sorted(thing.name for thing in things if isinstance(thing, kind)))
