"""Replacing a container while both run: one shell command for a host, from a pure builder.

The old container is renamed and the new one started under its name. What they listen on passes between the two of them,
and the new one tells the old one to end once it serves. Whoever interrupts this leaves a retired container behind; the
next deploy ends what was begun before it does anything else.
"""

import math
import shlex

from rollcall.contract.timeouts import stretched
from rollcall.converge import docker_commands
from rollcall.converge.resources import Container

# Seconds in which a new container must serve: a front does so within one, on a busy machine within a few.
READY_TIMEOUT_SECONDS = 30
# Seconds after which an answer is no answer any more.
EXEC_TIMEOUT_SECONDS = 10
# How many of its last lines are shown of a container that does not serve.
LOG_LINES = 5

# `serves` leaves the container's own words in $why. A container that begins anew again and again fails there, too: most
# of the time it has no process to run a command in.
# `retire` may find that it is done: the command of an interrupted deploy may still run on the host, and do the same.
# `put_back` also helps an old one that was told to end already: it begins anew, now or when it has ended.
FUNCTIONS = r"""
exists() {{ docker inspect --type=container "$1" >/dev/null 2>&1; }}
serves() {{
  end=$(($(date +%s) + {deadline}))
  until why=$(timeout {exec_timeout} docker exec {name} {readiness_command} 2>&1); do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 0.1
  done
}}
retire() {{
  timeout {stop_timeout} docker wait {retired} >/dev/null 2>&1 || docker stop {retired} >/dev/null 2>&1
  docker rm --volumes {retired} >/dev/null && return
  sleep 1
  ! exists {retired}
}}
put_back() {{
  if exists {name}; then
    docker stop {name} >/dev/null 2>&1
    docker rm --force --volumes {name} >/dev/null
  fi
  docker rename {retired} {name} &&
    docker update --restart={restart} {name} >/dev/null &&
    docker start {name} >/dev/null
}}
finish() {{
  if serves; then retire; return; fi
  last=$(docker logs --tail {log_lines} {name} 2>&1)
  put_back &&
    echo "the new {name} did not serve within {deadline} s ($why), so the old one was put back; fix what" \
      "its last words say, or to stop the old one (docker stop {name}), and to deploy again:" "$last" | tr '\n' ' ' >&2
  return 1
}}
"""

TAKE_OVER = r"""
if exists {retired}; then
  if exists {name}; then finish; else put_back; fi
fi
docker rename {name} {retired} && docker update --restart=no {retired} >/dev/null || exit 1
{run} >/dev/null || {{ put_back; exit 1; }}
finish
"""


def take_over(container: Container) -> str:
    """Start a new container beside the old one, which ends once the new one serves.

    A new one that does not is removed again, and the old one is as before.
    """
    return _filled(FUNCTIONS + TAKE_OVER, container)


def finish(container: Container) -> str:
    """End what was begun and interrupted: the new container stays if it serves, else the old one comes back."""
    return _filled(FUNCTIONS + "finish\n", container)


def _filled(script: str, container: Container) -> str:
    return script.format(
        name=shlex.quote(container.name),
        retired=shlex.quote(container.retired),
        readiness_command=shlex.join(container.readiness_command),
        run=docker_commands.run(container),
        restart=container.restart,
        stop_timeout=container.stop_timeout,
        deadline=math.ceil(stretched(READY_TIMEOUT_SECONDS)),
        exec_timeout=math.ceil(stretched(EXEC_TIMEOUT_SECONDS)),
        log_lines=LOG_LINES,
    )
