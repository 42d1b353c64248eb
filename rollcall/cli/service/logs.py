"""`rollcall logs`: show a service's log from all hosts."""

import queue
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.inventory import Host
from rollcall.console import err
from rollcall.errors import RollcallError
from rollcall.remote import parallel
from rollcall.remote.run import Shell

if TYPE_CHECKING:
    from rollcall.services.logs import Line

LINES = 100
COLORS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")
# A container's whole log may be tens of megabytes.
READ_TIMEOUT_SECONDS = 120


@click.command()
@inventory_argument
@click.argument("service", metavar="SERVICE")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines, of new containers too, until Ctrl-C.")
@click.option("--since", default="", metavar="TIME", help='Only lines after this, such as "10m" or 2026-11-29T04:00.')
@click.option("--grep", "pattern", metavar="REGEX", help="Only lines in which this regular expression is found.")
@click.option(
    "-n", "--tail", type=click.IntRange(min=0), metavar="LINES", help=f"Lines of each container; by default {LINES}."
)
def logs(source: str, service: str, *, follow: bool, since: str, pattern: str | None, tail: int | None) -> None:
    """Show the log of SERVICE from all of its hosts, in the order of time, each line after its host and container.

    SERVICE may be front: the log of the fronts, with the access log, also where that is a file.

    With --since or --grep, all lines count. Exit code: 1 if a host did not respond.
    """
    from rollcall.services import declarations
    from rollcall.services.logs import FRONT

    shown = _regex(pattern)
    if since and not re.fullmatch(r"[0-9A-Za-z:.+-]+", since):
        raise RollcallError(f'--since: got {since!r}; expected a duration such as "10m", or a time')
    chosen, fleet = checked_fleet(source)
    if service != FRONT:
        declarations.check_name(fleet, service)
    lines = "all" if tail is None and (since or pattern) else str(LINES if tail is None else tail)
    printer = _Printer(service, shown)
    silent = (_follow if follow else _once)(chosen.hosts, service, since, lines, printer)
    if silent:
        raise RollcallError(f"without the log of {', '.join(silent)}")


def _regex(pattern: str | None) -> "re.Pattern[str] | None":
    try:
        return re.compile(pattern) if pattern else None
    except re.error as problem:
        raise RollcallError(f"--grep: got {pattern!r}, {problem}; expected a regular expression") from None


class _Printer:
    """Print lines after a prefix, which has the colour of its host."""

    def __init__(self, service: str, shown: "re.Pattern[str] | None") -> None:
        self._service = service
        self._shown = shown
        self._colors: dict[str, str] = {}

    def line(self, host: str, line: "Line") -> None:
        """Print a line of a host, if it is to be shown."""
        if self._shown and not self._shown.search(line.text):
            return
        color = self._colors.setdefault(host, COLORS[len(self._colors) % len(COLORS)])
        # click leaves colours out where standard output is no terminal.
        click.echo(f"{click.style(f'{host}/{line.container} |', fg=color)} {line.text}")


def _once(hosts: Sequence[Host], service: str, since: str, tail: str, printer: _Printer) -> list[str]:
    from rollcall.services.logs import command, in_order, parsed

    there = command(service, follow=False, since=since, tail=tail)

    def read(host: Host) -> "list[tuple[str, Line]] | RollcallError":
        try:
            output = Shell(host).read(there, timeout_seconds=READ_TIMEOUT_SECONDS)
        except RollcallError as problem:
            return problem
        return [(host.name, line) for text in output.splitlines() if (line := parsed(text, service))]

    found = parallel.on_each(hosts, read)
    for host, line in in_order(pair for part in found if not isinstance(part, RollcallError) for pair in part):
        printer.line(host, line)
    return [_told(host, part) for host, part in zip(hosts, found, strict=True) if isinstance(part, RollcallError)]


def _told(host: Host, problem: RollcallError) -> str:
    err.print(f"– {problem}", markup=False)
    return host.name


def _follow(hosts: Sequence[Host], service: str, since: str, tail: str, printer: _Printer) -> list[str]:
    """Print until Ctrl-C, or until no host is left. Return the hosts that did not respond."""
    from rollcall.services.logs import command, parsed

    there = command(service, follow=True, since=since, tail=tail)
    read: queue.Queue[tuple[Host, str | None]] = queue.Queue()
    processes = {host: _started(host, there, read) for host in hosts}
    silent: list[str] = []
    try:
        while len(silent) < len(hosts):
            host, text = read.get()
            if text is None:
                code = processes[host].wait()
                silent.append(_told(host, RollcallError(f"{host.name} sends no more lines (exit code {code})")))
            elif line := parsed(text, service):
                printer.line(host.name, line)
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes.values():
            if process.stdin:
                process.stdin.close()
            process.terminate()
            process.wait()
    sys.stdout.flush()
    return silent


def _started(host: Host, command: str, read: "queue.Queue[tuple[Host, str | None]]") -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        Shell(host).arguments(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        # Ctrl-C ends this command, which then ends the processes; a process group of its own for `kill 0`.
        start_new_session=True,
    )

    def forward() -> None:
        assert process.stdout is not None  # noqa: S101 — Popen was given a pipe
        for text in process.stdout:
            read.put((host, text))
        read.put((host, None))

    threading.Thread(target=forward, daemon=True).start()
    return process
