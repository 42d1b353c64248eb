"""The pages that nginx itself makes: 404, 502 and maintenance, as clients get them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


def test_a_path_that_leads_nowhere_is_our_404(start_front: Any, until: Any) -> None:
    with start_front(services=[]) as front:
        until(lambda: front.status() == 404, "the default site")
        found = front.get("/nothing")
        assert (found.status, found.headers.get_content_type()) == (404, "text/html")
        assert "<h1>Page not found</h1>" in found.text
        # The id that this request has in the log.
        assert found.headers["X-Request-ID"] in found.text
        assert "Retry-After" not in found.headers
        assert front.get("/nothing", X_Request_ID="<b>").text.count("<b>") == 0
        # The files themselves are no pages of the site.
        assert "<h1>Page not found</h1>" in front.get("/!rollcall/502.html").text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("tls", [False, True])
def test_a_site_without_an_instance_is_our_502(front: Any, method: str, tls: bool) -> None:
    found = front.get("/json", tls=tls, body=b"x=1" if method == "POST" else None)
    assert found.status == 502
    assert "<h1>Not available right now</h1>" in found.text
    assert "502 · request " in found.text
    assert found.headers["Cache-Control"] == "no-store"


class Refusing(BaseHTTPRequestHandler):
    """A service whose every response is an error with a page of its own."""

    def do_GET(self) -> None:
        body = f"own {self.path}".encode()
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def refusing() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_what_a_service_sends_itself_passes_unchanged(front: Any, catalog: Any, refusing: int, until: Any) -> None:
    catalog.register("refusing", "127.0.0.1", refusing)
    until(front.instances, "the service")
    for status in (404, 500, 502, 503, 504):
        found = front.get(f"/{status}")
        assert (found.status, found.text) == (status, f"own /{status}")


def test_a_page_of_the_users_own_is_served_at_once(front: Any) -> None:
    generation = front.generation()
    front.write("pages/502.html", '<title>Ours</title><!--# echo var="status" -->')
    assert front.get("/json").text == "<title>Ours</title>502"
    assert front.generation() == generation


def test_a_site_in_maintenance_says_when_to_come_back(front: Any, catalog: Any, until: Any) -> None:
    catalog.api.kv.put("rollcall/front/maintenance/_", "")
    try:
        until(lambda: front.status() == 503, "the page")
        until(front.settled, "the page for every visitor")
        found = front.get()
        assert "This site is being worked on." in found.text and "<h1>Back soon</h1>" in found.text
        assert found.headers["Retry-After"] == "60"
        connection = front.connect()
        connection.request("HEAD", "/")
        assert (response := connection.getresponse()).status == 503 and response.read() == b""
    finally:
        catalog.api.kv.delete("rollcall/front/maintenance/_")
    until(lambda: front.status() == 502, "the site again")
    until(front.settled, "the site for every visitor")
    assert "Retry-After" not in front.get().headers
