"""Whether a name leads to a front that knows the answer."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from rollcall.acme import leads_here

NAME, TOKEN, ANSWER = "shop.example.com", "token", "token.thumbprint"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[int, str]]]:
    """What a front responds by path, a 404 by default; the name leads to it."""
    responses: dict[str, tuple[int, str]] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = responses.get(self.path, (404, "not found"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(leads_here, "addresses", lambda name: ("127.0.0.1",))
        monkeypatch.setattr(leads_here, "HTTP_PORT", server.server_port)
        yield responses
        server.shutdown()


@pytest.mark.parametrize(
    ("response", "address"),
    [((200, ANSWER), ""), ((200, "another"), "127.0.0.1"), ((404, ANSWER), "127.0.0.1"), ((301, ""), "127.0.0.1")],
)
def test_a_front_that_gives_another_answer_is_named(
    said: dict[str, tuple[int, str]], response: tuple[int, str], address: str
) -> None:
    said[f"/.well-known/acme-challenge/{TOKEN}"] = response
    assert leads_here.mistaken(NAME, TOKEN, ANSWER) == address


def test_an_address_without_a_response_may_not_be_reached_from_here(
    said: dict[str, tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads_here, "HTTP_PORT", 1)
    assert said == {} and leads_here.mistaken(NAME, TOKEN, ANSWER) == ""
