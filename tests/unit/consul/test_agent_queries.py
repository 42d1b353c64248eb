"""What a server's agent responds to several requests is told apart by its lines."""

import pytest

from rollcall.consul.agent_queries import responses


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ('{"Healthy": true}\n[]\n\n', ['{"Healthy": true}', "[]", ""]),
        # Nobody answered the first request in time.
        ("\n[]\nrecord\n", ["", "[]", "record"]),
        # curl failed at the end, and the image's asked all of them again.
        ("a\nb\n\na\nb\nc\n", ["a", "b", ""]),
        ("", ["", "", ""]),
    ],
)
def test_a_missing_response_does_not_move_the_others(output: str, expected: list[str]) -> None:
    assert responses(output, 3) == expected
