"""Measure what services that are up to date cost a deploy with nothing to do.

Times `rollcall deploy` of the lab without services of its own, with many (one container each on both app hosts), and
without again, since the first of two halves would have the machine's drift to itself. At the end the lab is as before.
"""

import statistics

import click
from conditions import print_times, run
from declared import declared

from rollcall.console import out

BEFORE, WITH, AFTER = "without, before", "with services", "without, after"
BAR = 0.1


def services(count: int) -> list[dict[str, object]]:
    common = {"image": "nginx:1.30", "ports": [80], "health": {"path": "/"}, "memory": 32}
    return [{"name": f"many-{number}", **common} for number in range(count)]


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(3), help="How many of each third.")
@click.option("--services", "count", default=20, show_default=True, type=click.IntRange(1), help="How many services.")
def main(runs: int, count: int) -> None:
    """Measure a deploy with nothing to do, with and without services."""
    times: dict[str, list[float]] = {}
    with declared() as lab:
        for name, wanted in ((BEFORE, []), (WITH, services(count)), (AFTER, [])):
            lab.write(wanted)
            lab.rollcall("deploy", "--yes")
            # Without --yes a deploy that would change something fails here instead of being timed.
            times[name] = [lab.rollcall("deploy") for _ in range(runs)]
    print_times(f"A deploy with nothing to do, with {count} services and without, n = {runs}", times)
    ratio = statistics.median(times[WITH]) / statistics.median(times[BEFORE] + times[AFTER])
    colour = "green" if abs(ratio - 1) <= BAR else "red"
    out.print(f"with services ÷ without: [{colour}]{ratio:.2f}[/] (wanted 1 ± {BAR})")


if __name__ == "__main__":
    run(main)
