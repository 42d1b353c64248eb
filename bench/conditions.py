"""Print the conditions of a benchmark, and end it with one sentence on errors."""

import os
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from rich.table import Table

from rollcall.console import fail, out
from rollcall.errors import RollcallError


def print_load() -> None:
    """Print how busy the machine was: other work makes the figures less reliable."""
    out.print(
        f"[dim]Load average of this machine afterwards: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors[/]"
    )


def timed_in_turn(names: Iterable[str], runs: int, seconds: Callable[[str], float]) -> dict[str, list[float]]:
    """Time each name as often; none always goes first."""
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(runs):
        for name in sorted(times, reverse=number % 2 == 1):
            times[name].append(seconds(name))
            out.print(f"[dim]{name}: {times[name][-1]:.2f} s[/]")
    return times


def print_times(title: str, times: Mapping[str, Sequence[float]]) -> None:
    """Print the median, fastest and slowest time of each command, and the load."""
    table = Table(title=title)
    for column in ("command", "median", "fastest", "slowest"):
        table.add_column(column, justify="left" if column == "command" else "right")
    for name, measured in times.items():
        figures = (statistics.median(measured), min(measured), max(measured))
        table.add_row(name, *(f"{figure:.2f} s" for figure in figures))
    out.print(table)
    print_load()


def run(main: Callable[[], object]) -> None:
    """Run a benchmark; an error that the user can fix is one sentence and exit code 1."""
    try:
        main()
    except RollcallError as problem:
        fail(str(problem))
        sys.exit(1)
