"""Find the fleet's problems in the readings of its hosts and fronts."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rollcall.components.backups import every
from rollcall.config.fleet import Fleet
from rollcall.consul import members
from rollcall.contract import backups, problems
from rollcall.contract.backups import Record
from rollcall.contract.problems import Problem
from rollcall.contract.status_document import Document
from rollcall.converge.docker_query import LABEL
from rollcall.secrets.certificates import Certificate
from rollcall.services import jobs
from rollcall.status.host import Host
from rollcall.status.host_status import Server

# What a host lacks while one of these does not run, by component.
_ON_EVERY_HOST = {
    "consul": "its Consul agent does not run; what starts on this host is not registered",
    "registrator": "its registrator does not run; what starts on this host is not registered",
    "socket-filter": "its socket filter does not run; the registrator learns nothing of this host's containers",
    "dns": "its DNS does not run; Consul's names do not resolve on this host",
}
_WITH_JOBS = {"scheduler": "its scheduler does not run; no job starts on this host"}
# This machine's name among the hosts' clocks.
HERE = "this machine"


@dataclass(frozen=True)
class Trouble:
    """A problem and its place; `kind` is one of rollcall/contract/problems.py."""

    where: str
    problem: Problem

    @property
    def kind(self) -> str:
        """Return the problem's kind."""
        return self.problem.kind

    @property
    def text(self) -> str:
        """Return the problem in a sentence."""
        return self.problem.text

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        problem = self.problem
        return {
            "where": self.where,
            "kind": problem.kind,
            "severity": problem.severity,
            "text": problem.text,
            "since": problem.since.isoformat() if problem.since else None,
            "next": problem.step,
        }


def ordered(found: Iterable[Trouble]) -> tuple[Trouble, ...]:
    """Sort the worst first; within a kind, the oldest first."""
    found = list(found)
    # One problem may be in several places, each a trouble of its own.
    places: dict[Problem, list[Trouble]] = {}
    for trouble in found:
        places.setdefault(trouble.problem, []).append(trouble)
    return tuple(trouble for problem in problems.ordered(places) for trouble in places[problem])


def unread(hosts: Iterable[Host]) -> Iterator[Trouble]:
    """Return the hosts, agents and fronts that could not be read."""
    for host in hosts:
        name = host.member.name
        if host.unread:
            yield Trouble(name, Problem("unread", host.unread))
        for text in host.reading.complaints:
            step = f"on {name}: docker ps -a, and docker logs of the container; then rollcall deploy INVENTORY"
            yield Trouble(name, Problem("unread", text, next=step))


def found(fleet: Fleet, hosts: Iterable[Host], fronts: Mapping[str, Document], now: datetime) -> list[Trouble]:
    """Return the problems, except differences between Docker, Consul and nginx about an instance."""
    hosts = tuple(hosts)
    servers = list(_servers(fleet, hosts))
    misjudged = list(_misjudged(hosts))
    # What the servers themselves show; a front may have read it a moment before.
    shown = {backups.SUBJECT, *(["servers"] if servers else [])}
    keys = {trouble.problem.key for trouble in misjudged}
    return [
        *servers,
        *_backups(fleet, hosts, now),
        *_unlisted(fleet, hosts),
        *_locked_out(hosts),
        *misjudged,
        *_stopped(hosts),
        *_jobs(fleet, hosts, now),
        *_certificates(hosts, now),
        *_clocks(hosts),
        *(one for one in _fronts(fronts) if one.problem.subject not in shown and one.problem.key not in keys),
    ]


def _fronts(fronts: Mapping[str, Document]) -> Iterator[Trouble]:
    """Return the fronts' own problems; the same problem of several fronts once, since the earliest time."""
    first: dict[tuple[str, str], tuple[list[str], Problem]] = {}
    for name, front in fronts.items():
        for shown in front["problems"]:
            problem = Problem(
                shown["kind"],
                shown["text"],
                _time(shown["since"]),
                shown.get("next", ""),
                shown.get("subject") or shown["text"],
            )
            names, before = first.setdefault(problem.key, ([], problem))
            names.append(name)
            if problem.since and (before.since is None or problem.since < before.since):
                first[problem.key] = names, problem
        if not front["consul_template"]["running"]:
            yield Trouble(
                name, Problem("hindered", "consul-template does not run", next=f"docker logs front on {name}")
            )
    for names, problem in first.values():
        yield Trouble(", ".join(names), problem)


def _servers(fleet: Fleet, hosts: Iterable[Host]) -> Iterator[Trouble]:
    """Find problems of Consul's servers by autopilot; without a leader, by which agents respond."""
    hosts = [host for host in hosts if not host.unread]
    heard = {host.member.node: host.reading.leader for host in hosts if host.reading.leader is not None}
    judged = max((host.reading.servers for host in hosts if host.reading.servers), key=_healthy, default=None)
    every = {server.node for server in fleet.servers}
    if judged is not None:
        healthy = {judgement.node for judgement in judged if judgement.healthy} & every
        well = healthy & {judgement.node for judgement in judged if judgement.voter}
        since = max(
            (judgement.since for judgement in judged if judgement.since and judgement.node in every - well),
            default=None,
        )
        # Without a vote a server is of no use for the quorum; while others are missing it counts as one of them.
        named = problems.short_of_servers(well, every - well) if healthy < every else _without_vote(every - well)
        for problem in named:
            yield Trouble("Consul", replace(problem, since=since))
    elif heard and not any(heard.values()):
        answering = {host.member.node for host in hosts if host.reading.registered is not None}
        missing = problems.short_of_servers(every & answering, every - answering)
        if any(name.kind == "leaderless" for name in missing):
            yield from (Trouble("Consul", name) for name in missing)
        else:
            text = "no agent knows a leader: nothing new can be registered"
            yield Trouble("Consul", Problem("leaderless", text, subject="servers"))
    if any(heard.values()):
        for node in (node for node, knows in heard.items() if not knows):
            step = (
                f"check that {node} reaches the servers on 8300 and 8301 (docs/firewalls.md): docker logs consul there"
            )
            yield Trouble(node, Problem("lost", "its agent knows no leader while others do", next=step, subject=node))


def _without_vote(servers: Collection[str]) -> list[Problem]:
    """Return a problem if servers that are healthy have no vote."""
    if not servers:
        return []
    text = f"{', '.join(sorted(servers))} is a server without a vote: the others keep the quorum alone"
    step = "wait: a server that joined gets its vote after ten seconds; then rollcall verify INVENTORY"
    return [Problem("short", text, next=step, subject="servers")]


def newest_backup(hosts: Iterable[Host]) -> Record | None:
    """Return the fleet's newest timed backup, as far as any server knows."""
    known = (host.reading.backup for host in hosts if host.reading.backup)
    return max(known, key=lambda record: record.time, default=None)


def _backups(fleet: Fleet, hosts: Iterable[Host], now: datetime) -> Iterator[Trouble]:
    """Find overdue backups; without a server that responds nobody knows of them."""
    if any(host.reading.servers for host in hosts):
        for problem in backups.problems(newest_backup(hosts), every(fleet), now):
            yield Trouble("Consul", problem)


def _unlisted(fleet: Fleet, hosts: Iterable[Host]) -> Iterator[Trouble]:
    """Find agents in gossip that are in no inventory."""
    known = {agent.node: agent for host in hosts for agent in host.reading.agents}
    for agent in members.unlisted(known.values(), [member.node for member in fleet.members]):
        step = members.step(agent, problems.INVENTORY, fleet.names)
        yield Trouble(agent.node, Problem("unlisted", members.words(agent), next=step, subject=agent.node))


def _locked_out(hosts: Iterable[Host]) -> Iterator[Trouble]:
    """Find agents that came back without their data before Consul noticed that they were gone."""
    found = {
        agent.node: agent for host in hosts for agent in members.locked_out(host.reading.agents, host.reading.nodes)
    }
    for node in sorted(found):
        step = members.way_back(node, problems.INVENTORY)
        yield Trouble(node, Problem("lost", members.LOCKED_OUT, next=step, subject=f"the id of {node}"))


def _misjudged(hosts: Iterable[Host]) -> Iterator[Trouble]:
    """Find agents that respond and know a leader, while Consul's servers do not list them as alive."""
    following = [host for host in hosts if host.reading.registered is not None and host.reading.leader]
    views = {host.member.name: host.reading.agents for host in following if host.reading.agents}
    names = {host.member.node: host.member.name for host in following}
    for one in members.misjudged(names, views):
        step = f"{one.step} on {names[one.node]}"
        yield Trouble(names[one.node], Problem("lost", str(one), next=step, subject=one.node))


def _healthy(servers: tuple[Server, ...]) -> int:
    return sum(server.healthy for server in servers)


def _stopped(hosts: Iterable[Host]) -> Iterator[Trouble]:
    """Find hosts without one of the containers that every host has, or without their front."""
    for host in hosts:
        if host.unread:
            continue
        running = {(container["Config"].get("Labels") or {}).get(LABEL) for container in host.reading.containers}
        step = f"docker logs NAME on {host.member.name}, then rollcall deploy INVENTORY"
        if host.member.is_front and "front" not in running:
            text = "its front does not run; visitors of this host get no response"
            yield Trouble(host.member.name, Problem("unserved", text, next=step.replace("NAME", "front")))
        for name, text in (_ON_EVERY_HOST | (_WITH_JOBS if host.member.settings.jobs else {})).items():
            if name not in running:
                yield Trouble(host.member.name, Problem("down", text, next=step.replace("NAME", name)))


def _jobs(fleet: Fleet, hosts: Iterable[Host], now: datetime) -> Iterator[Trouble]:
    """Find jobs whose last run failed, and those that nobody ran; every host of a job has the same state of it."""
    read = [host.reading.jobs for host in hosts if host.reading.jobs is not None]
    states = {name: state for one in read for name, state in one.items()}
    for name, service in jobs.declared(fleet).items():
        if name in states:
            for text in jobs.faults(service, states[name], now):
                step = f"rollcall logs {problems.INVENTORY} {name}"
                yield Trouble(name, Problem("job", f"job {name}: {text}", next=step, subject=name))


def _certificates(hosts: Iterable[Host], now: datetime) -> Iterator[Trouble]:
    for host in hosts:
        if host.reading.certificate:
            try:
                end = Certificate(host.reading.certificate, "").end
            except ValueError:
                continue  # deploy and verify report it
            for problem in problems.certificate("the certificate of its Consul agent", end, "", now):
                yield Trouble(host.member.name, problem)


def _clocks(hosts: Iterable[Host]) -> Iterator[Trouble]:
    offsets = {host.member.name: host.clock_offset for host in hosts if host.clock_offset is not None}
    for problem in problems.clocks({HERE: 0.0, **offsets} if offsets else {}):
        yield Trouble(problem.subject, problem)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
