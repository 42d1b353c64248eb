"""Show what came of the faults, as a table and one sentence. No I/O."""

from collections.abc import Sequence

from rich.table import Table

from rollcall.chaos.planned import Round
from rollcall.chaos.verdict import Outcome


def of_plan(planned: Sequence[Round]) -> Table:
    """Return the table of a plan."""
    table = Table("fault", "host", "what happens", "for", box=None, pad_edge=False)
    for one in planned:
        for number, own in enumerate(one.faults):
            held = f"{own.fault.hold_seconds:g} s" if own.fault.hold_seconds else "a moment"
            table.add_row(f"{'+ ' if number else ''}{own.fault.name}", own.where, own.fault.summary, held)
    return table


def of_outcomes(outcomes: Sequence[Outcome]) -> Table:
    """Return the table of a run; a failure that docs/limits.md allows is in the numbers, but no alarm."""
    table = Table(box=None, pad_edge=False)
    for name in ("", "fault", "host"):
        table.add_column(name, no_wrap=True)
    for name in ("failed requests", "longest gap", "right after"):
        table.add_column(name, justify="right")
    for one in outcomes:
        right = "not right" if one.missing else f"{one.seconds:.1f} s"
        allowed = "" if one.unexpected or not one.failed else ", allowed"
        failures = f"{one.failed} of {one.requests}{allowed}"
        table.add_row(
            "[green]✓[/]" if one.is_good else "[red]✗[/]",
            "\n+ ".join(own.fault.name for own in one.planned.faults),
            "\n".join(own.where for own in one.planned.faults),
            failures,
            f"{one.longest_gap:.1f} s",
            right,
        )
    return table


def alarms(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what went wrong, in sentences."""
    sentences = []
    for one in outcomes:
        if one.unexpected:
            sentences.append(
                f"{one.planned.label}: requests failed that should not have: {', '.join(one.unexpected)} "
                "(docs/limits.md names what may fail)"
            )
        if one.missing:
            sentences.append(f"{one.planned.label}: not right again: {'; '.join(one.missing)}")
    return sentences
