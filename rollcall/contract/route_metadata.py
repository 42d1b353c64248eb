"""Read an instance's metadata: its host names and path, how to proxy its requests, and its weight."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Protocol = Literal["http", "https", "grpc", "grpcs"]

# RFC 1123 labels; the first may be a wildcard, which nginx matches without a regular expression.
HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
MAX_HOST_LENGTH = 253
# Characters without percent-encoding or meaning to nginx. No segment of dots alone, since nginx resolves those.
PATH = re.compile(r"/|(/(?!\.{1,2}(/|$))[A-Za-z0-9._~@:+=,-]+)+")
MAX_PATH_LENGTH = 255
MAX_WEIGHT = 1000
# nginx limits a word to 4 KB; a longer name is a mistake.
MAX_SERVICE_LENGTH = 255
# The metadata's keys in Consul's Meta. A list of host names too long for one value continues in HOSTS-2, …
HOSTS = "virtual_host"
KEYS = (HOSTS, "virtual_path", "virtual_strip", "virtual_proto", "virtual_buffering")
MAX_PARTS = 16
YES, NO = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off", ""})
# As in the registrator: a long value must not keep an error from fitting on one line.
SHOWN = 80


@dataclass(frozen=True)
class ProxyOptions:
    """How to proxy a location's requests."""

    protocol: Protocol = "http"
    strip: bool = False
    buffering: bool = True


@dataclass(frozen=True)
class RouteMetadata:
    """The route that an instance requests: host names, path, and proxy options. `faults` are invalid host names."""

    hosts: tuple[str, ...]
    path: str
    options: ProxyOptions
    faults: tuple[str, ...] = ()


def read(meta: Mapping[str, str]) -> RouteMetadata | None:
    """Return the route that an instance requests; None if it requests none. An invalid host name costs only itself.

    Raises:
        ValueError: key, value and the expected form.
    """
    named = host_names(meta)
    if not named:
        if meta.get("virtual_path"):
            raise ValueError("virtual_path: got no virtual_host beside it; expected both")
        return None
    hosts, faults = _hosts(named)
    if not hosts:
        raise ValueError(faults[0])
    return RouteMetadata(
        hosts,
        path(meta.get("virtual_path") or "/"),
        ProxyOptions(
            protocol=_protocol(meta.get("virtual_proto") or "http"),
            strip=_truth("virtual_strip", meta.get("virtual_strip", "")),
            buffering=_truth("virtual_buffering", meta.get("virtual_buffering") or "on"),
        ),
        faults,
    )


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


def _host_keys() -> Sequence[str]:
    return (HOSTS, *(f"{HOSTS}-{number}" for number in range(2, MAX_PARTS + 1)))


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
    if len(name) > MAX_HOST_LENGTH or not HOST.fullmatch(name):
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
    if text.lower() not in YES | NO:
        raise ValueError(f"{key}: got {shown(text)}; expected true or false")
    return text.lower() in YES
