"""Replace a container while both run: build one shell command for a host.

The command renames the old container and starts the new one under its name. The two hand over their listening sockets,
and the new one stops the old one once it serves. An interrupted takeover leaves a retired container, which the next
deploy finishes first.
"""

import math
import shlex

from rollcall.contract.timeouts import stretched
from rollcall.converge import docker_commands
from rollcall.converge.resources import Container

# A front serves within one second, on a busy machine within a few.
READY_TIMEOUT_SECONDS = 30
# Treat a slower readiness command as failed.
EXEC_TIMEOUT_SECONDS = 10
# How many of its last log lines to show if a container does not serve.
LOG_LINES = 5

# `serves` stores the readiness command's output in $why; a container that keeps restarting fails there, too.
# `retire` succeeds if the container is already gone: the command of an interrupted deploy may still run on the host.
# `put_back` also restarts an old container that is already stopping.
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
    echo "the new {name} did not serve within {deadline} s ($why); the old one is back. Fix what the log below says," \
      "or stop the old one (docker stop {name}), and deploy again:" "$last" | tr '\n' ' ' >&2
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
    """Start a new container beside the old one, which stops once the new one serves.

    If the new one does not serve, the command removes it and restores the old one.
    """
    return _filled(FUNCTIONS + TAKE_OVER, container)


def finish(container: Container) -> str:
    """Finish an interrupted takeover: keep the new container if it serves, otherwise restore the old one."""
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
