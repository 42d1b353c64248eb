"""Print `rollcall status` for people: problems, the worst first, a table for each service, and remarks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rollcall.contract.figures import duration, mean, percent
from rollcall.contract.problems import Severity
from rollcall.status.fleet_status import FleetStatus, Row, ServiceStatus
from rollcall.status.host import GONE
from rollcall.status.troubles import Trouble

GOOD = ("healthy", "running", "passing")
BAD = ("unhealthy", "critical", GONE, "dead", "exited")
NOTICE: Severity = "notice"
COLOURS: Mapping[Severity, str] = {"outage": "red", "warning": "yellow", "notice": "dim"}
WEIGHT = "weight"
HEADS = ("instance", "host", "Docker", "Consul", WEIGHT, "share", "listed", "requests", "errors", "mean")
NUMBERS = HEADS[4:]
# Width between two columns of the table: padding and the box's own line.
GAP = 2
# Columns that a narrow terminal leaves out, in this order.
DISPENSABLE = ("mean", "share", WEIGHT, "requests", "Docker", "listed", "errors")


def shown(status: FleetStatus) -> Group:
    """Return the whole view. Names are plain text: never markup or emoji."""
    return Group(*_parts(status))


def _parts(status: FleetStatus) -> Iterator[RenderableType]:
    wrong = [problem for problem in status.wrong if problem.problem.severity != NOTICE]
    yield from _troubles("Problems", wrong, status.now)
    for service in status.services:
        yield from _service(service, len(status.fronts))
    # With unread hosts there may be services.
    if not status.services and not status.unread:
        yield Text("No service is registered. Next: start a container with a published port (docs/registrator.md)\n")
    if status.backup:
        backup = status.backup
        yield Text(
            f"Newest backup of Consul: {backup.age(status.now)} old, {_plain(backup.file)} on {_plain(backup.node)}\n"
        )
    yield from _troubles(
        "Remarks", [problem for problem in status.wrong if problem.problem.severity == NOTICE], status.now
    )


def _service(service: ServiceStatus, fronts: int) -> Iterator[RenderableType]:
    yield _title(service)
    yield _Instances(service, fronts) if service.rows else Text("no instance", "dim")
    yield Text()


class _Instances:
    """The table of a service's instances, as wide as the terminal: names stay whole, columns disappear."""

    def __init__(self, service: ServiceStatus, fronts: int) -> None:
        self._rows = [dict(zip(HEADS, _cells(row, fronts), strict=True)) for row in service.rows]
        weights = len({row.weight for row in service.rows}) > 1
        # Show weights only if they differ.
        self._heads = [head for head in HEADS if weights or head != WEIGHT]

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self._width(self._heads[:1]), self._width(self._heads, whole=True))

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        heads = self._heads
        for least in DISPENSABLE:
            if self._width(heads) <= options.max_width:
                break
            heads = [head for head in heads if head != least]
        yield self._table(heads)

    def _width(self, heads: Sequence[str], *, whole: bool = False) -> int:
        return sum(self._column(head, whole=whole) for head in heads) + GAP * (len(heads) - 1)

    def _column(self, head: str, *, whole: bool = False) -> int:
        cells = [head, *(row[head].plain for row in self._rows)]
        # A name's tags may wrap below it.
        words = cells if whole or head != HEADS[0] else [word for cell in cells for word in cell.split()]
        return max(map(cell_len, words))

    def _table(self, heads: Sequence[str]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
        for head in heads:
            table.add_column(
                head,
                justify="right" if head in NUMBERS else "left",
                overflow="fold",
                no_wrap=head != HEADS[0],
                min_width=self._column(head),
            )
        for row in self._rows:
            table.add_row(*(row[head] for head in heads))
        return table


def _title(service: ServiceStatus) -> Text:
    title = Text(_plain(service.name), "bold")
    if versions := dict.fromkeys(row.version for row in service.rows if row.version):
        title.append(_plain(f"  {', '.join(versions)}"), "not bold yellow" if len(versions) > 1 else "not bold")
    open_routes = [*(str(route) for route in service.routes if not route.maintenance), *service.streams]
    closed_routes = [str(route) for route in service.routes if route.maintenance]
    if open_routes:
        title.append(_plain(f"  {', '.join(open_routes)}"), "not bold dim")
    if closed_routes:
        title.append(_plain(f"  maintenance page: {', '.join(closed_routes)}"), "not bold yellow")
    if service.canary:
        parts = ", ".join(f"{tag} {part:g} %" for tag, part in service.canary.items())
        title.append(_plain(f"  canary: {parts}"), "not bold cyan")
    return title


def _cells(row: Row, fronts: int) -> Sequence[Text]:
    name = Text(_plain(row.container or row.id))
    if row.tags:
        name.append(_plain(f" {','.join(row.tags)}"), "dim")
    return (
        name,
        Text(_plain(row.node)),
        _state(row.docker),
        _state(row.consul),
        Text(str(row.weight)),
        Text(percent(row.share)),
        _listed(row, fronts),
        Text(str(row.requests) if row.open is None else f"{row.requests} ({row.open} open)"),
        Text(str(row.errors), "red" if row.errors else ""),
        # A stream's connections have no time of a response.
        Text(mean(row.seconds, row.requests if row.open is None or row.seconds else 0)),
    )


def _state(state: str) -> Text:
    return Text(state, "green" if state in GOOD else "red" if state in BAD else "yellow")


def _listed(row: Row, fronts: int) -> Text:
    if row.fronts == 0:
        return Text("–", "dim")
    since = Text(duration(row.listed_since, row.now))
    if row.fronts < fronts:
        since.append(f" ({row.fronts} of {fronts} fronts)", "yellow")
    return since


def _troubles(title: str, troubles: Sequence[Trouble], now: datetime) -> Iterator[Text]:
    if not troubles:
        return
    yield Text(title, f"bold {COLOURS[troubles[0].problem.severity]}")
    for trouble in troubles:
        problem = trouble.problem
        yield Text.assemble(
            "  ",
            (_plain(trouble.where), f"bold {COLOURS[problem.severity]}"),
            _plain(f" {problem.kind}: {problem.text}"),
            (f" (for {duration(problem.since.isoformat(), now.isoformat())})" if problem.since else "", "dim"),
        )
        yield Text.assemble("    ", ("next: ", "dim"), _plain(problem.step))
    yield Text()


def _plain(text: str) -> str:
    """Replace terminal control codes: a tag could otherwise write anywhere on the screen."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
