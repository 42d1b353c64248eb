"""What a sample backend reports about itself and a request, however hostile."""

import html
import http.client
import json
import re

import pytest

NASTY = [
    'a "quoted" word',
    "back\\slash",
    "</td></table><script>alert(1)</script>",
    "it's & <b>bold</b>",
    "{{ 7*7 }} ${7*7}",
]


def ask(backend, path: str, headers: dict[str, str] | None = None, tls: bool = False) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(backend.address, 80, timeout=5)
    connection.request("GET", path, headers=headers or {})
    return connection.getresponse()


def test_the_json_has_host_container_address_and_headers(backends) -> None:
    answer = ask(backends[0], "/json", {"X-Real-IP": "192.0.2.1", "User-Agent": "test"})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    told = json.loads(answer.read())
    assert (told["host"], told["container"], told["address"]) == ("app1", backends[0].name, backends[0].address)
    assert told["headers"]["X-Real-IP"] == "192.0.2.1"
    assert told["headers"]["User-Agent"] == "test"


@pytest.mark.parametrize("value", NASTY)
def test_no_header_breaks_the_json(backends, value: str) -> None:
    assert json.loads(ask(backends[0], "/json", {"X-Nasty": value}).read())["headers"]["X-Nasty"] == value


@pytest.mark.parametrize("name", ["constructor", "toString", "hasOwnProperty"])
def test_no_header_name_breaks_the_json(backends, name: str) -> None:
    assert json.loads(ask(backends[0], "/json", {name: "x"}).read())["headers"][name] == "x"


def test_a_repeated_header_is_reported_whole(backends) -> None:
    connection = http.client.HTTPConnection(backends[0].address, 80, timeout=5)
    connection.putrequest("GET", "/json")
    connection.putheader("X-Twice", "1")
    connection.putheader("X-Twice", "2")
    connection.endheaders()
    assert json.loads(connection.getresponse().read())["headers"]["X-Twice"] == "1, 2"


@pytest.mark.parametrize("value", NASTY)
def test_no_header_breaks_the_page(backends, value: str) -> None:
    page = ask(backends[0], "/", {"X-Nasty": value}).read().decode()
    cell = re.search(r'<th scope="row">X-Nasty</th><td>(.*?)</td>', page)
    assert cell is not None and html.unescape(cell[1]) == value
    assert "<script" not in page and page.count("<table>") == page.count("</table>") == 2


def test_the_page_has_the_same_facts_and_loads_nothing_else(backends) -> None:
    answer = ask(backends[0], "/")
    page = answer.read().decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert {"app1", backends[0].name, backends[0].address} <= set(re.findall(r"<td>(.*?)</td>", page))
    assert 'name="viewport"' in page and "prefers-color-scheme: dark" in page
    assert re.findall(r'(?:src|href)="(.*?)"', page) == ["data:,", "/json"]


def test_health_is_a_plain_ok(backends) -> None:
    answer = ask(backends[0], "/health")
    assert (answer.status, answer.read()) == (200, b"ok\n")


def test_https_responds_too(front, backends) -> None:
    code, text, _ = front.execute("curl", "-sk", f"https://{backends[0].address}/json")
    assert code == 0
    assert json.loads(text)["container"] == backends[0].name
