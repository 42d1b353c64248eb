"""`rollcall status` as it is printed."""

import io

import pytest
from rich.console import Console
from status_world import NOW, all_well, front, host, seen, status, with_front

from rollcall.status.fleet_status import FleetStatus
from rollcall.status.table import shown


def printed(found: FleetStatus, width: int = 160, colours: bool = False) -> str:
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=colours, highlight=False).print(shown(found))
    return file.getvalue()


def line_of(found: FleetStatus, name: str) -> list[str]:
    (line,) = [line for line in printed(found).splitlines() if line.startswith(name)]
    return line.split()


def test_a_line_has_everything_about_an_instance() -> None:
    words = "web-1 app1 healthy passing 50 % 1 min 10 1 80.0 ms"
    assert line_of(status(*all_well()), "web-1") == words.split()


def test_open_connections_of_a_stream_are_beside_those_that_ended() -> None:
    words = line_of(with_front(seen("app1", "web-1", open=3), seen("app2", "web-2")), "web-1")
    assert words[words.index("10") :] == ["10", "(3", "open)", "1", "80.0", "ms"]
    words = line_of(with_front(seen("app1", "web-1", open=3, seconds=0.0), seen("app2", "web-2")), "web-1")
    assert words[words.index("10") :] == ["10", "(3", "open)", "1", "–"]


def test_weights_are_shown_where_they_differ() -> None:
    found = with_front(seen("app1", "web-1", weight=9), seen("app2", "web-2"))
    assert "weight" not in printed(status(*all_well()))
    assert "9" in line_of(found, "web-1")
    assert "weight" in printed(found)


def test_eighty_columns_hold_a_line_of_an_instance() -> None:
    lines = printed(status(*all_well()), width=80).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("web-")] == ["app1", "app2"]
    assert any("requests" in line and "mean" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_names_are_never_cut_in_a_word_and_the_width_is_used(width: int) -> None:
    name = "shop-frontend-blue-17"
    lines = printed(with_front(seen("app1", name), seen("app2", "web-2")), width=width).splitlines()
    assert any(line.split()[:2] == [name, "app1"] for line in lines)
    assert any(line.split()[:2] == ["web-2", "app2"] for line in lines)
    assert max(map(len, lines)) <= width
    assert any("mean" in line for line in lines) is (width >= 100)
    assert any("Consul" in line for line in lines)


def test_a_table_is_measured_as_wide_as_it_is_printed() -> None:
    found = with_front(seen("app1", "shop-frontend-blue-17"), seen("app2", "web-2"))
    console = Console(width=500)
    widest = max(len(line.rstrip()) for line in printed(found, width=500).splitlines() if "──" in line)
    assert console.measure(shown(found)).maximum == widest


def test_a_service_says_where_it_is_reached_and_its_canary() -> None:
    text = printed(with_front(canary={"v2": 10}))
    assert "nginx  1.30  www.example.com/  canary: v2 10 %" in text
    assert "maintenance page: www.example.com/" in printed(with_front(maintenance=True))


def test_problems_are_on_top_the_worst_first_and_remarks_below() -> None:
    said = {
        "conflict": "two want it",
        "refused": "nginx refuses it",
        "unserved": "every request gets a 502",
    }
    problems = [{"kind": kind, "text": text, "since": "2026-11-26T02:56:00Z"} for kind, text in said.items()]
    first, second, last = all_well(problems=problems)
    text = printed(status(first, second, last, host("consul1", unread="ssh failed: no route")))
    order = [
        "Problems",
        "front1 unserved: every request gets a 502 (for 4 min)",
        "next: start an instance",
        "consul1 unread: ssh failed",
        "front1 refused: nginx refuses it",
        "next: ",
        "web-1",
        "Remarks",
        "front1 conflict: two want it",
    ]
    at = 0
    for part in order:
        assert part in text[at:], part
        at = text.index(part, at)


def test_a_dead_fleet_begins_with_its_problems() -> None:
    text = printed(status(*(host(name, unread="ssh: connection timed out") for name in ("app1", "front1"))))
    assert text.startswith("Problems\n  app1 unread: ssh: connection timed out\n    next: ")
    assert "No service" not in text


def test_a_front_without_an_instance_in_rotation_is_shown() -> None:
    text = printed(status(*all_well(), host("consul1", front=front(seen("app2", "web-2")), registered=())))
    assert "(1 of 2 fronts)" in next(line for line in text.splitlines() if line.startswith("web-1"))
    assert "of 2 fronts" not in next(line for line in text.splitlines() if line.startswith("web-2"))


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b[32mpassing" in printed(status(*all_well()), colours=True)
    assert "\x1b" not in printed(status(*all_well()))


def test_names_are_text_and_no_markup() -> None:
    hostile = seen("app1", "[red]:ghost:[/]", tags=["[bold]"])
    assert "[red]:ghost:[/] [bold]" in printed(with_front(hostile, seen("app2", "web-2")))


def test_names_cannot_write_elsewhere_on_the_screen() -> None:
    problem = {"kind": "metadata", "text": "\x1b]0;owned\x07", "since": NOW}
    hostile = seen("app1", "\x1b[2Jweb", tags=["\x1b[H"])
    assert "\x1b" not in printed(with_front(hostile, problems=[problem]))


def test_an_empty_fleet_prints_the_next_step() -> None:
    assert printed(status(host("app1", registered=()))).startswith("No service is registered.")
