"""Who the client is: load balancers before the front, and strangers who claim to be one."""

import json
import socket
import ssl
from contextlib import suppress

import pytest

NAME = "www.mastartup.io"
CLIENT, CLAIMED = "198.51.100.7", "203.0.113.9"
# Addresses of the loopback network that a client can connect from.
TRUSTED, STRANGER = "127.0.0.5", "127.0.0.1"


def asked(front, text: str, *, source: str, preface: str = "", tls: bool = False) -> str:
    """Send a request as it is written from an address, and return the whole response."""
    port = front.https_port if tls else front.http_port
    with socket.create_connection(("127.0.0.1", port), 5, (source, 0)) as plain:
        plain.sendall(preface.encode())
        connection = ssl._create_unverified_context().wrap_socket(plain) if tls else plain
        connection.sendall(text.replace("\n", "\r\n").encode())
        found = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                found += piece
        return found.decode(errors="replace")


def request(*headers: str, path: str = "/json") -> str:
    return "\n".join([f"GET {path} HTTP/1.1", f"Host: {NAME}", "Connection: close", *headers, "", ""])


def seen(answer: str) -> dict[str, str]:
    """Return the headers that the backend got."""
    body = answer[answer.index("{") : answer.rindex("}") + 1]
    return {key.lower(): value for key, value in json.loads(body)["headers"].items()}


@pytest.fixture
def proxied(start_front, catalog, backends, until):
    with start_front(trusted_proxies=[f"{TRUSTED}/32"], redirect=443) as front:
        catalog.register(backends[0].name, backends[0].address)
        until(front.instances, "the instance behind the front")
        yield front


CLAIMS = [
    f"X-Forwarded-For: {CLAIMED}",
    f"X-Real-IP: {CLAIMED}",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Port: 443",
    f"Forwarded: for={CLAIMED};proto=https",
]


def test_a_stranger_is_not_believed(proxied) -> None:
    answer = asked(proxied, request(*CLAIMS), source=STRANGER)
    assert answer.startswith("HTTP/1.1 301 ") and f"Location: https://{NAME}/json" in answer
    headers = seen(asked(proxied, request(*CLAIMS), source=STRANGER, tls=True))
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == STRANGER
    assert headers["x-forwarded-proto"] == "https"
    assert {"x-forwarded-port", "forwarded"}.isdisjoint(headers)


@pytest.mark.parametrize("spelled", ["X_Forwarded_For", "X-Forwarded-For ", " X-Forwarded-For", "X-Forwarded-For\t"])
def test_a_stranger_is_not_believed_in_any_spelling(proxied, spelled: str) -> None:
    answer = asked(proxied, request(f"{spelled}: {CLAIMED}"), source=STRANGER, tls=True)
    assert CLAIMED not in answer
    answer = asked(proxied, request(f"{spelled}: {CLAIMED}", "X-Forwarded-Proto: https"), source=TRUSTED)
    assert CLAIMED not in answer


def test_behind_a_load_balancer_that_ends_tls_redirects_do_not_loop(proxied) -> None:
    answer = asked(
        proxied,
        request(f"X-Forwarded-For: {CLAIMED}, {CLIENT}", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443"),
        source=TRUSTED,
    )
    assert answer.startswith("HTTP/1.1 200 ") and "Strict-Transport-Security: max-age=63072000" in answer
    headers = seen(answer)
    # The last address is what the load balancer itself saw; before it stands what the client claimed.
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == CLIENT
    assert headers["x-forwarded-proto"] == "https" and headers["x-forwarded-port"] == "443"


def test_a_load_balancers_visitor_by_http_is_redirected(proxied) -> None:
    for proto in ("http", "https, http", "https,http "):
        answer = asked(proxied, request(f"X-Forwarded-For: {CLIENT}", f"X-Forwarded-Proto: {proto}"), source=TRUSTED)
        assert answer.startswith("HTTP/1.1 301 ") and "Strict-Transport" not in answer


def test_two_headers_of_one_name_are_one_list(proxied) -> None:
    """A client that sends X-Forwarded-Proto itself, and a load balancer that adds a second header."""
    answer = asked(proxied, request("X-Forwarded-Proto: https", "X-Forwarded-Proto: http"), source=TRUSTED)
    assert answer.startswith("HTTP/1.1 301 ")


def test_the_proxy_protocol_names_the_client(start_front, secret, catalog, backends, until) -> None:
    with start_front() as front:
        catalog.register(backends[0].name, backends[0].address)
        until(front.instances, "the instance behind the front")
        # Its checks speak the plain protocol, so the setting comes when the front already serves.
        secured = {"trusted_proxies": [f"{TRUSTED}/32"], "proxy_protocol": True, "redirect": 443}
        front.configure(catalog, secret, **secured)
        assert front.execute("front-apply")[0] == 0
        v1 = f"PROXY TCP4 {CLIENT} 192.0.2.1 50000 443\r\n"
        answer = asked(front, request(*CLAIMS), source=TRUSTED, preface=v1)
        headers = seen(answer)
        assert headers["x-forwarded-for"] == headers["x-real-ip"] == CLIENT
        assert headers["x-forwarded-proto"] == "https" and "x-forwarded-port" not in headers
        # Who sends it from elsewhere gets a response, as who he is.
        answer = asked(front, request(*CLAIMS), source=STRANGER, preface=v1)
        assert answer.startswith("HTTP/1.1 301 ")
        headers = seen(asked(front, request(*CLAIMS), source=STRANGER, preface=v1, tls=True))
        assert headers["x-forwarded-for"] == STRANGER
        # A visitor of the load balancer's plain port, and a request without the protocol.
        answer = asked(front, request(*CLAIMS), source=TRUSTED, preface=v1.replace(" 443", " 80"))
        assert answer.startswith("HTTP/1.1 301 ")
        assert not asked(front, request(), source=TRUSTED).startswith("HTTP/1.1 200")
