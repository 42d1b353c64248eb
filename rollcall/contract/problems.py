"""Define a fleet's problems, their severity, and the next step: one list for the front's page and `rollcall status`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

# outage: requests fail now; warning: something fails, or soon will; notice: worth knowing.
Severity = Literal["outage", "warning", "notice"]
# In every `next`; the command line replaces it with the inventory's name.
INVENTORY = "INVENTORY"
# How long before its expiry a certificate becomes a problem: time to buy one. Deploys renew the fleet's own earlier.
EXPIRING = timedelta(days=30)
# A synchronised clock is off by milliseconds; reading it over SSH is less exact.
CLOCK_TOLERANCE_SECONDS = 5.0


@dataclass(frozen=True)
class Kind:
    """The severity of a kind of problem, and the next step if the problem itself has none."""

    severity: Severity
    next: str


# The worst first.
KINDS: Mapping[str, Kind] = {
    "unserved": Kind("outage", "start an instance, or take the route away"),
    "leaderless": Kind("outage", "docker logs consul on each of Consul's servers, then rollcall deploy INVENTORY"),
    "expired": Kind("outage", "rollcall deploy INVENTORY"),
    "unread": Kind("warning", "see that the host is up and that you can log in to it by ssh"),
    "lost": Kind("warning", "start the host, or its agent (docker start consul)"),
    "short": Kind("warning", "bring the missing server back, then rollcall deploy INVENTORY"),
    "down": Kind("warning", "rollcall deploy INVENTORY"),
    "refused": Kind("warning", "mend what the sentence names, then rollcall deploy INVENTORY"),
    "hindered": Kind("warning", "make room on the front's host (docker logs front says more); the front retries"),
    "catalog": Kind("warning", "docker logs consul on the front's host, then rollcall deploy INVENTORY"),
    "port": Kind("warning", "stop the program that has the port, or give the stream another one (docs/streams.md)"),
    "certificate": Kind("warning", "rollcall certificates INVENTORY"),
    "expiring": Kind("warning", "rollcall deploy INVENTORY"),
    "clock": Kind("warning", "synchronise the clock: timedatectl set-ntp true"),
    "backup": Kind("warning", "docker logs consul-backups on the host of Consul's leader; df there"),
    "unlisted": Kind("warning", "rollcall forget INVENTORY HOST"),
    "job": Kind("warning", "rollcall logs INVENTORY JOB"),
    "mismatch": Kind("warning", "docker logs registrator on that host"),
    "conflict": Kind("notice", "give one of them another host name or path, or declare the route in front.routes"),
    "metadata": Kind("notice", "start the container anew with a value of the expected form (docs/routes.md)"),
    "stream": Kind("notice", "start the container anew with a port that it may have (docs/streams.md)"),
    "canary": Kind("notice", "rollcall canary INVENTORY SERVICE --clear"),
    "maintenance": Kind("notice", "rollcall maintenance INVENTORY HOST/PATH off"),
    "kept": Kind("notice", "nothing, if you stopped these containers; otherwise rollcall verify INVENTORY"),
}
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}
# A kind of a newer front, unknown to this program.
_OTHER = Kind("notice", "rollcall verify INVENTORY")


@dataclass(frozen=True)
class Problem:
    """A problem, since when it exists if known, and what to do.

    It stays the same problem while kind and subject do, whatever the text; without a subject that is the text.
    """

    kind: str
    text: str
    since: datetime | None = None
    next: str = ""
    subject: str = ""

    @property
    def severity(self) -> Severity:
        """The severity of its kind."""
        return KINDS.get(self.kind, _OTHER).severity

    @property
    def step(self) -> str:
        """The next step: its own, or its kind's."""
        return self.next or KINDS.get(self.kind, _OTHER).next

    @property
    def key(self) -> tuple[str, str]:
        """The identity of the problem."""
        return self.kind, self.subject or self.text


def rank(kind: str) -> int:
    """Return a kind's rank, the worst first; unknown kinds of a newer front come last."""
    return _RANKS.get(kind, len(_RANKS))


def ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort problems, the worst first; within a kind, the oldest first."""
    return tuple(sorted(problems, key=_badness))


def _badness(problem: Problem) -> tuple[int, float, str]:
    return rank(problem.kind), problem.since.timestamp() if problem.since else float("inf"), problem.text


@dataclass(frozen=True)
class Site:
    """A host and path, its number of servers in nginx, and the states of its services' instances."""

    host: str
    path: str
    servers: int
    states: Mapping[str, Sequence[str]]
    source: str

    @property
    def name(self) -> str:
        """The site as users write it."""
        return f"{self.host}{self.path}" if self.host else f"the default site{'' if self.path == '/' else self.path}"


def unserved(sites: Iterable[Site]) -> list[Problem]:
    """Return the sites without a server: every request gets a 502."""
    return [
        Problem(
            "unserved",
            f"{site.name}: every request gets a 502; {'; '.join(map(_state, site.states.items()))}",
            next=_unserved_step(site),
            subject=site.name,
        )
        for site in sites
        if site.servers == 0
    ]


def unserved_streams(streams: Iterable[Site]) -> list[Problem]:
    """Return the streams without a server, each as a site whose host is its port: every connection is closed."""
    return [
        Problem(
            "unserved",
            f"{one.host}: every connection is closed; {'; '.join(map(_state, one.states.items()))}",
            next=_unserved_step(one).replace("front.routes", "front.streams"),
            subject=one.host,
        )
        for one in streams
        if one.servers == 0
    ]


def _state(entry: tuple[str, Sequence[str]]) -> str:
    service, states = entry
    counts = ", ".join(f"{count} {state}" for state, count in sorted(Counter(states).items()))
    return f"{service} has no instance" if not states else f"{service}: {counts}"


def _unserved_step(site: Site) -> str:
    found = {state for states in site.states.values() for state in states}
    services = " or ".join(site.states)
    if found == {"maintenance"}:
        return "rollcall undrain INVENTORY HOST"
    if "passing" in found:
        return "rollcall canary INVENTORY SERVICE --clear, or start an instance with the tag that the route names"
    if found:
        return f"see why the checks of {services} fail: docker logs CONTAINER on its host"
    where = {"default": "out of front.services ([] for a 404)", "declared": "out of front.routes"}.get(site.source)
    return f"start a container of {services}" + (f", or take it {where}" if where else "")


def lost(nodes: Mapping[str, int]) -> list[Problem]:
    """Return the nodes that no longer respond to Consul, each with its number of instances."""
    return [
        Problem(
            "lost",
            f"Consul no longer hears {node}, with {count} instance{'' if count == 1 else 's'} on it",
            next=f"start {node}, or its agent there (docker start consul); if it is gone for good: "
            f"rollcall forget INVENTORY {node}, and take it out of the inventory",
            subject=node,
        )
        for node, count in sorted(nodes.items())
    ]


def short_of_servers(well: Iterable[str], missing: Iterable[str]) -> list[Problem]:
    """Return a problem if Consul servers are missing, with how many more may fail."""
    well, missing = sorted(well), sorted(missing)
    if not missing:
        return []
    every = len(well) + len(missing)
    spare = len(well) - (every // 2 + 1)
    more = (
        "so there is no quorum: nothing new can be registered"
        if spare < 0
        else "one more, and nothing new can be registered"
        if spare == 0
        else f"{spare} more may fail"
    )
    are = "is" if len(missing) == 1 else "are"
    text = f"{len(missing)} of {every} Consul servers {are} missing ({', '.join(missing)}): {more}"
    return [
        Problem(
            "leaderless" if spare < 0 else "short",
            text,
            next=f"bring {' and '.join(missing)} back (the host, or docker start consul there), "
            "then rollcall deploy INVENTORY",
            subject="servers",
        )
    ]


def certificate(whose: str, end: datetime, own: str, now: datetime) -> list[Problem]:
    """Return a problem if a certificate has expired or soon will.

    Args:
        whose: what shows it, as "the front's certificate".
        end: when it ends.
        own: the file that the user gave it as; empty for one of the fleet's own authority.
        now: this moment.
    """
    left = end - now
    if left > EXPIRING:
        return []
    day = f"{end:%Y-%m-%d}"
    step = f"put a new certificate into {own} (front.certificate), then " if own else ""
    text = f"{whose} ended on {day}" if left <= timedelta() else f"{whose} ends in {left.days} days, on {day}"
    return [
        Problem(
            "expired" if left <= timedelta() else "expiring",
            f"{text}; it is yours, from {own}" if own else text,
            next=f"{step}rollcall deploy INVENTORY",
            subject=whose,
        )
    ]


def clocks(offsets: Mapping[str, float]) -> list[Problem]:
    """Return the clocks that differ from the median; `offsets` are seconds by name, positive if ahead."""
    if not offsets:
        return []
    usual = median(offsets.values())
    return [
        Problem(
            "clock",
            f"the clock of {name} is {abs(offset - usual):.0f} s {'ahead' if offset > usual else 'behind'}",
            next=f"synchronise the clock of {name}: timedatectl set-ntp true",
            subject=name,
        )
        for name, offset in offsets.items()
        if abs(offset - usual) > CLOCK_TOLERANCE_SECONDS
    ]
