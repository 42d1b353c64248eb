"""Build the command that prints a service's log on one host, and read its lines. No I/O."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from rollcall.config import forms
from rollcall.contract import access_log, jobs
from rollcall.converge.docker_query import LABEL
from rollcall.services.slot import FAILED_SUFFIX
from rollcall.services.work import service_of, slot_of

_LIST = f"docker ps --all --filter label={LABEL} --format '{{{{.Names}}}}'"
# A container's name before each of its lines; the name has no character that means anything to sed or to a shell.
_PRINT = 'docker logs --timestamps {options} "$1" 2>&1 | sed -u "s/^/$1 /"'
# The container whose log may also be in files: nginx's, where front.access_log is "file".
FRONT = "front"
# nginx writes whole seconds in UTC; lines with Docker's times come after those of the same second.
_STAMP = f"""sed -un 's/^{{"time":"\\([^"+]*\\)+00:00"/{FRONT} \\1.000000000Z &/p'"""
_FILES_ONCE = """
cd {folder} 2>/dev/null && {since}
ls -rv {name}* |
while read -r one; do [ -L "$one" ] || awk -v since="$since" 'substr($0, 10, 19) >= since' "$one"; done |
tail -n {tail} | {stamp}
"""
# nginx writes its last lines to a file after that has another name, so the reader stays a moment.
_FILES_FOLLOWED = """
{{
cd {folder} 2>/dev/null || exit 0
{since}
from={start}
[ -z "$since" ] || from=+$(awk -v since="$since" \
  'substr($0, 10, 19) >= since {{ found = 1; print NR; exit }} END {{ if (!found) print NR + 1 }}' {name})
while :; do
  {{
    tail -n "$from" -f <&3 &
    while [ /proc/self/fd/3 -ef {name} ]; do sleep 1; done
    sleep 2
    kill $!
  }} 3<{name} 2>/dev/null || sleep 1
  from=+1
done
}} | {stamp} &
"""
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
    """Return the command that prints the log of a host's containers of a service, those of failed releases included.

    That of FRONT includes the files of its access log.
    """
    options = [f"--tail={tail}", *([f"--since={since}"] if since else []), *(["--follow"] if follow else [])]
    line = _PRINT.format(options=shlex.join(options))
    names = [f"{service}-[0-9]*", f"{service}{FAILED_SUFFIX}", jobs.container(service)]
    pattern = "|".join([FRONT] if service == FRONT else names)
    files = _files(follow=follow, since=since, tail=tail) if service == FRONT else ""
    if follow:
        return files + _FOLLOW.format(print=line, list=_LIST, pattern=pattern, label=LABEL)
    return _ONCE.format(list=_LIST, pattern=pattern, print_name=line.replace("$1", "$name")) + files


def _files(*, follow: bool, since: str, tail: str) -> str:
    """Return the command that prints the files of a front's access log; nothing on a host without them."""
    start = "+1" if tail == "all" else tail
    return (_FILES_FOLLOWED if follow else _FILES_ONCE).format(
        folder=access_log.FOLDER, name=access_log.NAME, since=_since(since), start=start, tail=start, stamp=_STAMP
    )


def _since(since: str) -> str:
    """Return the command that puts a time, as `docker logs --since` takes it, into a variable, in UTC."""
    if not since:
        return "since="
    when = shlex.quote(since)
    if re.fullmatch(r"([0-9]+(h|m|s))+", since):
        ago = sum(map(forms.seconds, re.findall(r"[0-9]+[hms]", since)))
        when = f"@$(($(date +%s) - {ago}))"
    elif re.fullmatch(r"[0-9]+(\.[0-9]+)?", since):
        when = f"@{since}"
    return f"since=$(date -u -d {when} +%Y-%m-%dT%H:%M:%S)"


def parsed(text: str, service: str) -> Line | None:
    """Read a line of the output; None for one of another service, or of no container."""
    name, _, rest = text.partition(" ")
    if (service_of(name) or name) != service:
        return None
    time, _, message = rest.partition(" ")
    return Line(time, slot_of(name), message.rstrip("\r\n"))


def in_order(lines: Iterable[tuple[str, Line]]) -> list[tuple[str, Line]]:
    """Sort the lines of several hosts by time."""
    return sorted(lines, key=lambda pair: pair[1].time)
