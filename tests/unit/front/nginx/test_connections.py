"""nginx's own count of its connections."""

from rollcall.front.nginx.connections import connections

STUB_STATUS = """Active connections: 3 
server accepts handled requests
 100 99 1000 
Reading: 0 Writing: 1 Waiting: 2 
"""  # noqa: W291


def test_every_number_is_read() -> None:
    assert connections(STUB_STATUS) == {
        "active": 3,
        "accepted": 100,
        "handled": 99,
        "requests": 1000,
        "reading": 0,
        "writing": 1,
        "waiting": 2,
    }


def test_no_response_gives_no_number() -> None:
    assert connections("") == {}
