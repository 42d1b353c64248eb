"""Wrap a fault's scripts so that it ends by itself: on the host stays what undoes it, and a process that does. No I/O.

The undo stands in a file before the fault begins. A guard on the host runs it if nobody else has in time; after a
restart of the host, which ends the guard, the next run of the command does.
"""

from rollcall.sections import script

DIRECTORY = "/var/lib/rollcall/chaos"
# How much longer than planned a fault lasts on a host that nobody reaches any more.
GRACE_SECONDS = 30.0
_END = "ROLLCALL-CHAOS-UNDO"
_RETRIES = 60
# A process id may be another process's by now. A guard leads its own session, so the sleep in it ends with it.
_END_GUARD = """\
end_guard() {
  pid=$(cat "$1" 2>/dev/null) || return 0
  if grep -q rollcall/chaos "/proc/$pid/cmdline" 2>/dev/null; then kill -TERM "-$pid" 2>/dev/null; fi
  rm -f "$1"
}
"""


def begin(name: str, fault: str, undo: str, hold_seconds: float) -> str:
    """Return the script that begins a fault.

    Args:
        name: the fault's name.
        fault: the commands that begin it.
        undo: the commands that end it.
        hold_seconds: how long it should last.
    """
    file, guard = f"{DIRECTORY}/{name}.undo", f"{DIRECTORY}/{name}.guard"
    waiting = (
        f"sleep {hold_seconds + GRACE_SECONDS:g}; n=0; while [ -e {file} ] && ! sh {file}; do "
        f"n=$((n + 1)); [ $n -lt {_RETRIES} ] || exit 1; sleep 5; done; "
        f"rm -f {file} {guard}; rmdir {DIRECTORY} 2>/dev/null"
    )
    return (
        f"umask 077\nmkdir -p {DIRECTORY} || exit 1\n"
        f"cat >{file} <<'{_END}' || exit 1\n{undo}\n{_END}\n"
        f"setsid sh -c '{waiting}' </dev/null >/dev/null 2>&1 &\n"
        f"echo $! >{guard}\n"
        f"{fault}\n"
    )


def end(name: str) -> str:
    """Return the script that ends a fault, whether or not its guard already has."""
    file, guard = f"{DIRECTORY}/{name}.undo", f"{DIRECTORY}/{name}.guard"
    return (
        f"{_END_GUARD}[ -e {file} ] || exit 0\n"
        f"sh {file} || exit 1\n"
        f"end_guard {guard}\nrm -f {file}\nrmdir {DIRECTORY} 2>/dev/null\nexit 0\n"
    )


# Ends everything that an earlier run left, and prints a line for each.
HEAL = f"""{_END_GUARD}
failed=0
for file in {DIRECTORY}/*.undo; do
  [ -e "$file" ] || continue
  name=${{file##*/}}
  if sh "$file"; then end_guard "${{file%.undo}}.guard"; rm -f "$file"; echo "${{name%.undo}}"; else failed=1; fi
done
rmdir {DIRECTORY} 2>/dev/null
exit $failed
"""
SECTIONS = ("tools", "free", "containers")
_TOOLS = "docker setsid iptables awk"
# What the plan must know of a host beside its containers.
PROBE = script(
    f"""section tools
for tool in {_TOOLS}; do command -v $tool >/dev/null 2>&1 && echo $tool; done
section free
data=$(docker volume inspect --format '{{{{.Mountpoint}}}}' consul-data 2>/dev/null)
[ -z "$data" ] || df -Pk "$data" | awk 'NR == 2 {{ print $4 }}'
section containers
running=$(docker ps --quiet --no-trunc --filter status=running)
[ -z "$running" ] || docker inspect --format '{{{{.Name}}}} {{{{.HostConfig.AutoRemove}}}}' $running
"""
)
