"""The pages that nginx itself makes: 404, 502 and maintenance, as clients get them."""

import http.client
from typing import Any

import pytest
from front_world import NAME, Answer

SHOP = "shop.example.com"


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


def test_what_a_service_sends_itself_passes_unchanged(served: Any, backends: Any) -> None:
    found: Answer = served.get("/no-such-page")
    direct = http.client.HTTPConnection(backends[0].address, timeout=5)
    direct.request("GET", "/no-such-page", headers={"Host": NAME})
    own = direct.getresponse()
    assert (found.status, found.text) == (own.status, own.read().decode())
    assert own.status == 404 and "Page not found" not in found.text


def test_a_page_of_the_users_own_is_served_at_once(front: Any) -> None:
    generation = front.generation()
    front.write("pages/502.html", '<title>Ours</title><!--# echo var="status" -->')
    assert front.get("/json").text == "<title>Ours</title>502"
    assert front.generation() == generation


def test_a_site_in_maintenance_says_when_to_come_back(front: Any, catalog: Any, until: Any) -> None:
    catalog.api.kv.put("rollcall/front/maintenance/_", "")
    try:
        until(lambda: front.status() == 503, "the page")
        found = front.get()
        assert "This site is being worked on." in found.text and "<h1>Back soon</h1>" in found.text
        assert found.headers["Retry-After"] == "60"
        connection = front.connect()
        connection.request("HEAD", "/")
        assert (response := connection.getresponse()).status == 503 and response.read() == b""
    finally:
        catalog.api.kv.delete("rollcall/front/maintenance/_")
    until(lambda: front.status() == 502, "the site again")
    assert "Retry-After" not in front.get().headers
