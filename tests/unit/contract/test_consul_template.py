"""Running consul-template and restarting it."""

from pathlib import Path

import pytest

from rollcall.contract import consul_template


def test_pauses_grow_to_the_longest_and_end_with_a_life_of_some_length() -> None:
    pauses = [0]
    for _ in range(5):
        pauses.append(consul_template.next_pause(pauses[-1], lived=1))
    assert pauses == [0, 1, 3, 7, 7, 7]
    assert consul_template.next_pause(7, lived=30) == 0


def test_a_failing_notification_does_not_stop_it() -> None:
    words = consul_template.command(Path("/c.hcl"), Path("/t.ctmpl"), Path("/out"), notified=7)
    assert words == ("consul-template", "-config", "/c.hcl", "-template", "/t.ctmpl:/out:kill -USR1 7 || true")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("2026/11/26 03:00:00.1 [ERR] (cli) no such file", "no such file"),
        (
            '2026/11/26 03:00:00.1 [WARN] (view) health.service(x): Get "http://a": refused',
            'health.service(x): Get "http://a": refused',
        ),
        ("2026/11/26 03:00:00.1 [ERR] (runner) sending server error back to caller", ""),
        ("2026/11/26 03:00:00.1 [INFO] (runner) rendered", ""),
        ("", ""),
    ],
)
def test_a_complaint_is_its_text(line: str, text: str) -> None:
    assert consul_template.complaint(line) == text
