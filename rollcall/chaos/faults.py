"""The faults: what each needs, and the shell commands that begin and end it. No I/O.

Every script is plain POSIX shell and runs as root. An end may run twice, and after a begin that failed half-way.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from rollcall.chaos import network
from rollcall.chaos.world import Place, World

# What a fault takes down: one container; the host's Consul agent; or the whole host, for the others.
Scope = Literal["container", "agent", "host"]
Script = Callable[[World, Place, str], str]
# On the file system of Consul's data, where `rollcall chaos --heal` finds it, too.
FILLING = "rollcall-chaos-filling"
_PAUSED = "/var/lib/rollcall/chaos/paused"
_DATA = "data=$(docker volume inspect --format '{{.Mountpoint}}' consul-data) && [ -d \"$data\" ]"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Args:
        name: its name.
        summary: what happens, for people.
        scope: what it takes down.
        begin: the script that begins it, for a host and a container.
        end: the script that ends it.
        hold_seconds: how long it lasts; 0 for one that is over at once.
        usual_seconds: how long a round of it usually takes, until all is right again.
        container: the container that it is about, which must run there; "*" for an instance of any service.
        tools: the programs that the host must have.
    """

    name: str
    summary: str
    scope: Scope
    begin: Script
    end: Script
    hold_seconds: float = 0.0
    usual_seconds: float = 10.0
    container: str = ""
    tools: frozenset[str] = frozenset()

    @property
    def ends_a_vote(self) -> bool:
        """Whether a Consul server on the host is down meanwhile."""
        return self.scope in ("agent", "host") or self.container == "consul"

    @property
    def takes_instances(self) -> bool:
        """Whether the host's instances may be out of service meanwhile."""
        return self.scope in ("agent", "host")


def _kill(_world: World, _place: Place, container: str) -> str:
    # `docker kill` counts as stopped by hand, after which no restart policy applies; a crash is this.
    name = shlex.quote(container)
    return f'pid=$(docker inspect --format \'{{{{.State.Pid}}}}\' {name}) && [ "$pid" -gt 0 ] && kill -9 "$pid"'


def _start(_world: World, _place: Place, container: str) -> str:
    name = shlex.quote(container)
    return (
        f"[ \"$(docker inspect --format '{{{{.State.Running}}}}' {name})\" = true ] || docker start {name} >/dev/null"
    )


def _stop(_world: World, _place: Place, container: str) -> str:
    return f"docker kill {shlex.quote(container)} >/dev/null"


def _kill_consul_template(_world: World, _place: Place, _container: str) -> str:
    return (
        "pids=$(docker top front -eo pid,comm | awk '$2 == \"consul-template\" { print $1 }') && "
        '[ -n "$pids" ] && kill -9 $pids'
    )


def _pause(_world: World, _place: Place, _container: str) -> str:
    return (
        f"docker ps --quiet --no-trunc --filter status=running >{_PAUSED} && docker pause $(cat {_PAUSED}) >/dev/null"
    )


def _unpause(_world: World, _place: Place, _container: str) -> str:
    return (
        "failed=0\n"
        "for id in $(docker ps --quiet --no-trunc --filter status=paused); do\n"
        f'  if grep -qx "$id" {_PAUSED} 2>/dev/null; then docker unpause "$id" >/dev/null || failed=1; fi\n'
        "done\n"
        f'[ "$failed" = 0 ] && rm -f {_PAUSED}'
    )


def _fill(_world: World, place: Place, _container: str) -> str:
    # The file never has more than was free when the plan was made; dd fails once nothing is left, as it should.
    return (
        f'{_DATA} && file="$data/{FILLING}" && {{\n'
        f'  dd if=/dev/zero of="$file" bs=1M count={(place.free_mib or 0) + 1} 2>/dev/null\n'
        '  dd if=/dev/zero bs=4k count=512 2>/dev/null >>"$file"\n'
        '  [ -s "$file" ]\n'
        "}"
    )


def _empty(_world: World, _place: Place, _container: str) -> str:
    return f'{_DATA} && rm -f "$data/{FILLING}"'


def _wipe(_world: World, place: Place, _container: str) -> str:
    # A server that is back before the others noticed could register nothing (docs/life.md): it starts at the end.
    back = "" if place.is_server else " && docker start consul >/dev/null"
    return f'{_DATA} && docker kill consul >/dev/null && find "$data" -mindepth 1 -delete{back}'


_DOCKER = frozenset({"docker", "setsid"})


def _crash(container: str, summary: str) -> Fault:
    return Fault(container, summary, "container", _kill, _start, container=container, tools=_DOCKER)


_ALL = (
    _crash("consul", "the Consul agent's process is killed"),
    Fault(
        "consul-down",
        "the Consul agent is down for a while",
        "agent",
        _stop,
        _start,
        hold_seconds=20,
        usual_seconds=30,
        container="consul",
        tools=_DOCKER,
    ),
    _crash("registrator", "the registrator is killed"),
    _crash("socket-filter", "the filter before Docker's socket is killed"),
    _crash("dns", "the DNS forwarder is killed"),
    _crash("front", "the front is killed, nginx with it"),
    Fault(
        "consul-template",
        "consul-template is killed inside the front",
        "container",
        _kill_consul_template,
        lambda _world, _place, _container: ":",
        container="front",
        tools=_DOCKER | {"awk"},
    ),
    Fault(
        "instance",
        "a container of a service is killed",
        "container",
        _kill,
        _start,
        hold_seconds=5,
        usual_seconds=15,
        container="*",
        tools=_DOCKER,
    ),
    Fault(
        "cut",
        "the host's network to all other hosts is cut, except SSH",
        "host",
        lambda world, place, _container: network.cut(world.others(place), {22, place.ssh_port}),
        lambda _world, _place, _container: network.mend(),
        hold_seconds=30,
        usual_seconds=60,
        tools=_DOCKER | {"iptables"},
    ),
    Fault(
        "pause",
        "all containers of the host are paused",
        "host",
        _pause,
        _unpause,
        hold_seconds=20,
        usual_seconds=50,
        tools=_DOCKER,
    ),
    Fault(
        "disk",
        "the file system of Consul's data is filled",
        "agent",
        _fill,
        _empty,
        hold_seconds=20,
        usual_seconds=40,
        container="consul",
        tools=_DOCKER,
    ),
    Fault(
        "wipe",
        "the Consul agent is killed and loses its data",
        "agent",
        _wipe,
        _start,
        hold_seconds=20,
        usual_seconds=40,
        container="consul",
        tools=_DOCKER,
    ),
)
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}
"""All faults by name, in the order in which people read them."""
