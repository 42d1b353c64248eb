"""Read an instance's metadata: its host names and path, how to proxy its requests, and its weight."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from rollcall.contract.host_names import is_host
from rollcall.contract.policies import streams, table
from rollcall.contract.policies.table import Policies
from rollcall.contract.policies.values import NO, YES

Protocol = Literal["http", "https", "grpc", "grpcs"]

# Characters without percent-encoding or meaning to nginx. No segment of dots alone, since nginx resolves those.
PATH = re.compile(r"/|(/(?!\.{1,2}(/|$))[A-Za-z0-9._~@:+=,-]+)+")
MAX_PATH_LENGTH = 255
MAX_WEIGHT = 1000
# nginx limits a word to 4 KB; a longer name is a mistake.
MAX_SERVICE_LENGTH = 255
# The metadata's keys in Consul's Meta. A list of host names too long for one value continues in HOSTS-2, …
HOSTS = "virtual_host"
ROUTE_KEYS = (HOSTS, "virtual_path", "virtual_strip", "virtual_proto", "virtual_buffering")
KEYS = (*ROUTE_KEYS, *table.BY_META, *sorted(streams.KEYS))
MAX_PARTS = 16
WWW = "www"
# As in the registrator: a long value must not keep an error from fitting on one line.
SHOWN = 80


@dataclass(frozen=True)
class ProxyOptions:
    """How to proxy a location's requests.

    `closed`: nobody gets in, since a value that decides who does is not understood.
    `redirect_to`: the host name that requests are redirected to.
    """

    protocol: Protocol = "http"
    strip: bool = False
    buffering: bool = True
    policies: Policies = ()
    closed: bool = False
    redirect_to: str = ""

    def policy(self, key: str) -> str:
        """Return a policy's value; "" without one."""
        return dict(self.policies).get(key, "")


@dataclass(frozen=True)
class RouteMetadata:
    """The route that an instance requests: host names, path, and proxy options.

    `faults` are invalid host names, and why a route is closed. Requests for a host of `redirects` go to the first of
    `hosts`.
    """

    hosts: tuple[str, ...]
    path: str
    options: ProxyOptions
    faults: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()


def read(meta: Mapping[str, str]) -> RouteMetadata | None:
    """Return the route that an instance requests; None if it requests none. An invalid host name costs only itself.

    A route that limits who gets in is closed by any value that is not understood: without it, its requests could reach
    another route of the same host.

    Raises:
        ValueError: key, value and the expected form.
    """
    named = host_names(meta)
    if not named:
        # What a stream has, too, is fine beside the stream alone.
        fine = streams.BY_META if any(meta.get(key) for key in streams.KEYS) else {}
        if lonely := next((key for key in ("virtual_path", *table.BY_META) if meta.get(key) and key not in fine), ""):
            raise ValueError(f"{lonely}: got no virtual_host beside it; expected both")
        return None
    hosts, faults = _hosts(named)
    if not hosts:
        raise ValueError(faults[0])
    place = path(meta.get("virtual_path") or "/")
    policies, errors = table.read(meta, OTHERS)
    try:
        options = _options(meta, policies)
        redirects = _redirects(hosts, options.policy("redirect_from"))
        if errors:
            raise ValueError(errors[0])
    except ValueError as error:
        if not limits_access(meta):
            raise
        return RouteMetadata(hosts, place, CLOSED, (*faults, f"{CLOSING}: {error}"))
    return RouteMetadata(hosts, place, options, faults, redirects)


def limits_access(meta: Mapping[str, str]) -> bool:
    """Whether an instance's Meta says anything about who gets in."""
    return table.limits_access(meta, OTHERS)


CLOSED = ProxyOptions(closed=True)
CLOSING = "nobody gets in, since it limits who does and has a value that is not understood"


def _options(meta: Mapping[str, str], policies: Policies) -> ProxyOptions:
    return ProxyOptions(
        protocol=_protocol(meta.get("virtual_proto") or "http"),
        strip=_truth("virtual_strip", meta.get("virtual_strip", "")),
        buffering=_truth("virtual_buffering", meta.get("virtual_buffering") or "on"),
        policies=policies,
    )


def _redirects(hosts: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the host names to redirect to the route's first.

    Raises:
        ValueError: the route has no exact name first.
    """
    if not text:
        return ()
    if hosts[0].startswith("*"):
        raise ValueError(
            f"virtual_redirect_from: got it with {hosts[0]!r}; expected an exact name first in virtual_host"
        )
    return redirects(hosts, text)


def redirects(hosts: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the host names of a policy redirect_from; "www" stands for www. before each of the route's."""
    named = [f"{WWW}.{host}" for host in hosts if not host.startswith(("*", f"{WWW}."))]
    old = dict.fromkeys(name for word in text.split() for name in (named if word == WWW else [word]))
    return tuple(name for name in old if name not in hosts)


def host_names(meta: Mapping[str, str]) -> list[str]:
    """Return the host names that an instance requests, as written in its Meta."""
    return " ".join(meta.get(key, "") for key in _host_keys()).replace(",", " ").split()


def divided(text: str, max_bytes: int) -> tuple[dict[str, str], int]:
    """Divide a list of host names into Meta values of at most `max_bytes`, and count the names that do not fit."""
    if len(text.encode(errors="replace")) <= max_bytes:
        return {HOSTS: text}, 0
    keys, values, lost = _host_keys(), [""], 0
    for name in text.replace(",", " ").split():
        added = f"{values[-1]},{name}".removeprefix(",")
        if len(name.encode(errors="replace")) > max_bytes:
            lost += 1
        elif len(added.encode(errors="replace")) <= max_bytes:
            values[-1] = added
        elif len(values) < MAX_PARTS:
            values.append(name)
        else:
            lost += 1
    return dict(zip(keys, values, strict=False)), lost


def _host_keys() -> tuple[str, ...]:
    return (HOSTS, *(f"{HOSTS}-{number}" for number in range(2, MAX_PARTS + 1)))


# Keys that begin as those of policies do, of routes and of streams.
OTHERS = frozenset((*ROUTE_KEYS, *_host_keys(), *streams.KEYS))


def _hosts(named: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the valid host names, and an error for each invalid one."""
    found: dict[str, None] = {}
    faults: dict[str, None] = {}
    for name in named:
        try:
            found[host(name)] = None
        except ValueError as error:
            faults[str(error)] = None
    return tuple(found), tuple(faults)


def host(text: str) -> str:
    """Return a host name in lower case.

    Raises:
        ValueError: it is invalid.
    """
    name = text.lower().removesuffix(".")
    if not is_host(name):
        raise ValueError(
            f'virtual_host: got {shown(text)}; expected host names such as "shop.example.com" or "*.example.com"'
        )
    return name


def path(text: str) -> str:
    """Return a path prefix without a final slash, since /api and /api/ are one route.

    Raises:
        ValueError: it does not start with a slash, or contains characters with a meaning in URLs.
    """
    name = text.rstrip("/") or "/"
    if len(name) > MAX_PATH_LENGTH or not PATH.fullmatch(name):
        raise ValueError(
            f'virtual_path: got {shown(text)}; expected a path such as "/api", of letters, digits and ._~@:+=,-'
        )
    return name


def check_service(name: str) -> None:
    """Check that nginx can name an upstream after a service.

    Raises:
        ValueError: the name is too long.
    """
    if len(name) > MAX_SERVICE_LENGTH:
        raise ValueError(f"SERVICE_NAME: got {len(name)} characters; expected at most {MAX_SERVICE_LENGTH}")


def weight(meta: Mapping[str, str]) -> int | None:
    """Return an instance's weight among the instances of its service; None if it has none.

    Raises:
        ValueError: it is not an integer from 1 to 1000.
    """
    text = meta.get("weight", "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or not 1 <= int(text) <= MAX_WEIGHT:
        raise ValueError(f"weight: got {shown(text)}; expected an integer from 1 to {MAX_WEIGHT}")
    return int(text)


def shown(text: str) -> str:
    """Quote a value for an error, truncated if it is long."""
    return repr(cut(text))


def cut(text: str) -> str:
    """Truncate a text that is too long for an error."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _protocol(text: str) -> Protocol:
    for protocol in get_args(Protocol):
        if text.lower() == protocol:
            return protocol  # type: ignore[no-any-return]
    raise ValueError(f"virtual_proto: got {shown(text)}; expected http, https, grpc or grpcs")


def _truth(key: str, text: str) -> bool:
    if text.lower() not in YES | NO | {""}:
        raise ValueError(f"{key}: got {shown(text)}; expected true or false")
    return text.lower() in YES
