"""Policies of a stream: the words of a route's policies where they mean the same, and the PROXY protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from rollcall.contract.policies import access, table, values
from rollcall.contract.policies.policy import METADATA, Lines, Place, Policy
from rollcall.contract.policies.table import Policies

# Which port of the fronts, in an instance's Meta; TLS has names beside it.
TCP, UDP, TLS = "virtual_tcp", "virtual_udp", "virtual_tls"


def _max_connections(value: str, place: Place) -> Lines:
    zone = f"stream_open_{place.identity}"
    return Lines(
        (f"limit_conn {zone} {value};",), http=(f"limit_conn_zone $binary_remote_addr zone={zone}:{access.ZONE};",)
    )


def _connect_timeout(value: str, _: Place) -> Lines:
    return Lines((f"proxy_connect_timeout {value}s;",))


def _read_timeout(value: str, _: Place) -> Lines:
    return Lines((f"proxy_timeout {value}s;",))


def _proxy_protocol(_value: str, _: Place) -> Lines:
    return Lines(("proxy_protocol on;",))


POLICIES = (
    Policy(
        "deny",
        access.NETWORKS,
        "Connections of these are closed",
        "192.0.2.0/24",
        values.networks,
        access.deny,
        access=True,
    ),
    Policy(
        "allow",
        access.NETWORKS,
        "Only these get in; `deny` comes first",
        "10.0.0.0/8, 198.51.100.7",
        values.networks,
        access.allow,
        access=True,
    ),
    Policy(
        "max_connections",
        "an integer from 1 to 65535",
        "Connections that one address may have open at the same time; more are closed. Not by name (TLS)",
        "20",
        values.integer(1, 65535),
        _max_connections,
    ),
    Policy(
        "connect_timeout",
        "an integer from 1 to 75 (seconds)",
        "How long an instance may take to accept a connection, before the next one is tried. Without it: 1",
        "3",
        values.integer(1, 75),
        _connect_timeout,
    ),
    Policy(
        "read_timeout",
        "an integer from 1 to 86400 (seconds)",
        "How long both sides may be silent. Without it: a day for TCP, 30 seconds for UDP",
        "600",
        values.integer(1, 86400),
        _read_timeout,
    ),
    Policy(
        "proxy_protocol",
        "true or false",
        "Each connection to the service begins with the client's address (PROXY protocol, version 1). Not for UDP",
        "true",
        values.enabled,
        _proxy_protocol,
    ),
)
BY_KEY: Mapping[str, Policy] = {policy.key: policy for policy in POLICIES}
BY_META: Mapping[str, Policy] = {policy.meta: policy for policy in POLICIES}
# Keys that only streams have; a route is not concerned.
KEYS = frozenset({TCP, UDP, TLS, BY_KEY["proxy_protocol"].meta})


def read(meta: Mapping[str, str], others: frozenset[str]) -> Policies:
    """Return the policies of a stream in an instance's Meta.

    Args:
        meta: keys and values.
        others: further keys of the same form that are fine beside a stream.

    Raises:
        ValueError: one is not understood, or limits who gets in to a route and cannot do so for a stream.
    """
    found: dict[str, str] = {}
    for key in sorted(key for key in meta if key.startswith(METADATA)):
        policy = BY_META.get(key)
        if policy is not None:
            if (meta[key].strip() or policy.access) and (value := _parsed(policy, meta[key])):
                found[policy.key] = value
        elif key in table.ACCESS:
            raise ValueError(f"{key}: got it for a stream; expected {BY_KEY['allow'].meta} or {BY_KEY['deny'].meta}")
        elif key not in KEYS | table.BY_META.keys() | others:
            close = get_close_matches(key, [*KEYS, *BY_META], n=1)
            raise ValueError(f"{key}: unknown key{f'; did you mean {close[0]}?' if close else ''}")
    return table.ordered(found, POLICIES)


def _parsed(policy: Policy, text: str) -> str:
    try:
        return table.parse(policy, text)
    except ValueError as error:
        raise ValueError(f"{policy.meta}: {error}") from None


@dataclass(frozen=True)
class StreamLines:
    """nginx's lines of one stream: in its server, before all servers, and what `proxy_pass` gets."""

    server: tuple[str, ...]
    before: tuple[str, ...]
    target: str


def lines(policies: Policies, identity: str, upstream: str, *, by_name: bool) -> StreamLines:
    """Return the lines of a stream's policies.

    nginx checks `deny` and `allow` before it has read the name that a TLS client asks for, so by name they decide where
    the connection goes: to the upstream or to nobody.
    """
    values_of = dict(policies)
    server: list[str] = []
    before: list[str] = []
    for key, value in policies:
        if not (by_name and BY_KEY[key].access):
            one = BY_KEY[key].lines(value, Place(identity))
            server += one.location
            before += one.http
    if not by_name or not any(BY_KEY[key].access for key in values_of):
        return StreamLines(tuple(server), tuple(before), upstream)
    denied, allowed, target = (f"$stream_{word}_{identity}" for word in ("denied", "allowed", "target"))
    before += [
        *_geo(denied, values_of.get("deny", ""), default="0"),
        *_geo(allowed, values_of.get("allow", ""), default="0" if "allow" in values_of else "1"),
        f'map "{denied}{allowed}" {target} {{',
        f'    "01" "{upstream}";',
        # nginx closes a connection that leads nowhere.
        '    default "";',
        "}",
    ]
    return StreamLines(tuple(server), tuple(before), target)


def _geo(variable: str, networks: str, default: str) -> tuple[str, ...]:
    return (f"geo {variable} {{", f"    default {default};", *(f"    {one} 1;" for one in networks.split()), "}")
