"""Build the command that prints a service's log on one host, and read its lines. No I/O."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from rollcall.contract import jobs
from rollcall.converge.docker_query import LABEL
from rollcall.services.slot import FAILED_SUFFIX
from rollcall.services.work import service_of, slot_of

_LIST = f"docker ps --all --filter label={LABEL} --format '{{{{.Names}}}}'"
# A container's name before each of its lines; the name has no character that means anything to sed or to a shell.
_PRINT = 'docker logs --timestamps {options} "$1" 2>&1 | sed -u "s/^/$1 /"'
# Ends with the connection: nothing else would end a `docker logs --follow` on the host.
_FOLLOW = """
print() {{ {print}; }}
for name in $({list}); do case "$name" in {pattern}) print "$name" & ;; esac; done
docker events --filter type=container --filter event=start --filter label={label} \\
  --format '{{{{.Actor.Attributes.name}}}}' |
while read -r name; do case "$name" in {pattern}) print "$name" & ;; esac; done &
cat >/dev/null
kill 0
"""
_ONCE = """
for name in $({list}); do case "$name" in {pattern}) {print_name} ;; esac; done
"""


@dataclass(frozen=True)
class Line:
    """A line of a container's log; `time` is Docker's, which sorts as text."""

    time: str
    container: str
    text: str


def command(service: str, *, follow: bool, since: str, tail: str) -> str:
    """Return the command that prints the log of a host's containers of a service, those of failed releases included."""
    options = [f"--tail={tail}", *([f"--since={since}"] if since else []), *(["--follow"] if follow else [])]
    line = _PRINT.format(options=shlex.join(options))
    pattern = "|".join([f"{service}-[0-9]*", f"{service}{FAILED_SUFFIX}", jobs.container(service)])
    if follow:
        return _FOLLOW.format(print=line, list=_LIST, pattern=pattern, label=LABEL)
    return _ONCE.format(list=_LIST, pattern=pattern, print_name=line.replace("$1", "$name"))


def parsed(text: str, service: str) -> Line | None:
    """Read a line of the output; None for one of another service, or of no container."""
    name, _, rest = text.partition(" ")
    if service_of(name) != service:
        return None
    time, _, message = rest.partition(" ")
    return Line(time, slot_of(name), message.rstrip("\r\n"))


def in_order(lines: Iterable[tuple[str, Line]]) -> list[tuple[str, Line]]:
    """Sort the lines of several hosts by time."""
    return sorted(lines, key=lambda pair: pair[1].time)
