"""Whether a name leads to a front that knows the answer."""

import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rollcall.acme import leads_here
from rollcall.acme.settings import Front

# Fronts' own addresses, and one where nothing listens.
FRONTS, NOBODY = ("10.0.0.1", "10.0.0.2"), "127.0.0.9"
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


class Published(dict[str, str]):
    """What the front at 127.0.0.1 answers, by token; called with both, it learns another."""

    def __init__(self, said: dict[str, tuple[int, str]]) -> None:
        super().__init__()
        self._said = said

    def __call__(self, token: str, answer: str) -> None:
        self[token] = answer
        self._said[f"/.well-known/acme-challenge/{token}"] = (200, answer)


@pytest.fixture
def published(said: dict[str, tuple[int, str]]) -> Published:
    return Published(said)


def resolving(monkeypatch: pytest.MonkeyPatch, found: list[str] | Exception) -> None:
    """Let the resolver find these addresses for every name, or fail."""

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        if isinstance(found, Exception):
            raise found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_names_addresses_are_the_resolvers_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["10.0.0.2", "10.0.0.1", "10.0.0.2"])
    assert leads_here.addresses(NAME) == ("10.0.0.2", "10.0.0.1")


@pytest.mark.parametrize("problem", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_has_no_address(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    resolving(monkeypatch, problem)
    assert leads_here.addresses(NAME) == ()


def test_a_label_that_is_too_long_for_dns_is_no_crash() -> None:
    assert leads_here.addresses("a" * 64 + ".example.com") == ()


def test_a_name_without_an_address_does_not_lead_here(published: Published) -> None:
    assert leads_here.fault(NAME, (), FRONTS, published) == "DNS has no address for it"
    assert published == {}


def test_a_name_that_leads_to_fronts_alone_needs_no_answer(published: Published) -> None:
    assert leads_here.fault(NAME, FRONTS, FRONTS, published) == ""
    assert published == {}


def test_behind_a_router_a_front_must_answer(published: Published) -> None:
    assert leads_here.fault(NAME, (*FRONTS, "127.0.0.1"), FRONTS, published) == ""
    ((token, answer),) = published.items()
    # Nobody can answer what nobody can guess.
    assert len(token) > 16 and len(answer) == 32 and answer not in token
    leads_here.fault(NAME, ("127.0.0.1",), FRONTS, published)
    assert len(set(published.values())) == len(published) == 2


def test_who_answers_anything_is_no_front(said: dict[str, tuple[int, str]]) -> None:
    """A parked domain's host gives every path the same page."""

    def publish(token: str, _: str) -> None:
        said[f"/.well-known/acme-challenge/{token}"] = (200, "this domain is for sale")

    assert leads_here.fault(NAME, ("127.0.0.1",), FRONTS, publish) == (
        "DNS leads to 127.0.0.1, where no front answers on port " + str(leads_here.HTTP_PORT)
    )


def test_one_address_of_several_that_leads_elsewhere_is_named(published: Published) -> None:
    """The authority may take any of them."""
    said = leads_here.fault(NAME, ("127.0.0.1", NOBODY), FRONTS, published)
    assert said.startswith(f"DNS leads to {NOBODY}, ")


def waits(monkeypatch: pytest.MonkeyPatch, *fronts: Front) -> list[float]:
    """Wait for these fronts, by a clock of its own; return the pauses."""
    pauses: list[float] = []
    monkeypatch.setattr(leads_here.time, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(leads_here.time, "sleep", pauses.append)
    leads_here.wait_for_fronts(fronts, NAME, TOKEN, ANSWER)
    return pauses


def test_fronts_that_answer_are_not_waited_for(
    said: dict[str, tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said[f"/.well-known/acme-challenge/{TOKEN}"] = (200, ANSWER)
    assert waits(monkeypatch, *[Front("127.0.0.1", leads_here.HTTP_PORT)] * 2) == []


def test_the_wait_for_a_front_without_the_answer_ends(
    said: dict[str, tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said[f"/.well-known/acme-challenge/{TOKEN}"] = (200, "of an earlier order")
    pauses = waits(monkeypatch, Front("127.0.0.1", leads_here.HTTP_PORT))
    assert sum(pauses) == pytest.approx(leads_here.ANSWER_TIMEOUT_SECONDS, abs=0.2)


def test_a_front_that_has_the_answer_later_ends_the_wait(
    said: dict[str, tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            said[f"/.well-known/acme-challenge/{TOKEN}"] = (200, ANSWER)

    monkeypatch.setattr(leads_here.time, "sleep", sleep)
    leads_here.wait_for_fronts([Front("127.0.0.1", leads_here.HTTP_PORT)], NAME, TOKEN, ANSWER)
    assert len(pauses) == 3


@pytest.mark.parametrize("proxied", [True, False])
def test_a_front_behind_a_load_balancer_is_asked_as_that_asks(proxied: bool) -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while not b"".join(received).endswith(b"\r\n\r\n"):
                    received.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + ANSWER.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        leads_here.wait_for_fronts([Front("127.0.0.1", port, proxy_protocol=proxied)], NAME, TOKEN, ANSWER)
        thread.join()
    lines = b"".join(received).decode().split("\r\n")
    assert lines[:1] == ["PROXY UNKNOWN"] or not proxied
    assert lines[int(proxied)] == f"GET /.well-known/acme-challenge/{TOKEN} HTTP/1.1"
    assert f"Host: {NAME}" in lines


def test_what_speaks_no_http_is_no_front(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=serve, daemon=True).start()
        monkeypatch.setattr(leads_here, "HTTP_PORT", listening.getsockname()[1])
        assert "no front answers" in leads_here.fault(NAME, ("127.0.0.1",), FRONTS, published)
