"""The page for people, and how it is answered for."""

import asyncio
import gzip
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from front_sight import NOW as NOW_MOMENT
from front_sight import ago, instance, problem, seen, sight

from rollcall.contract.figures import duration, mean, percent
from rollcall.contract.status_document import Document
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.nginx import open_connections
from rollcall.front.status import http_server
from rollcall.front.status.answering import Request, Response, answer
from rollcall.front.status.changes import Change, Noted
from rollcall.front.status.document import Counts, document
from rollcall.front.status.history import Series
from rollcall.front.status.page import page

HOSTILE = "<script>alert(1)</script>\"&'"
NOW = "2026-11-26T03:00:00Z"


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (None, "–"),
        (NOW, "0 s"),
        ("2026-11-26T02:59:57Z", "3 s"),
        ("2026-11-26T02:55:57Z", "4 min 3 s"),
        ("2026-11-26T02:56:00Z", "4 min"),
        ("2026-11-23T22:00:00Z", "2 d 5 h"),
        ("2026-11-26T03:00:01Z", "0 s"),  # a clock that was set back
    ],
)
def test_durations_are_worded(since: str | None, said: str) -> None:
    assert duration(since, NOW) == said


@pytest.mark.parametrize(("part", "said"), [(None, "–"), (0.1667, "16.7 %"), (1.0, "100 %"), (0.0, "0 %")])
def test_shares_are_percent(part: float | None, said: str) -> None:
    assert percent(part) == said


def test_the_mean_of_no_tries_is_none() -> None:
    assert (mean(0.8, 10), mean(0, 0)) == ("80.0 ms", "–")


def test_problems_come_first_and_are_in_the_title() -> None:
    text = page(seen(problems=(problem("nginx refuses it"),)))
    assert text.index("nginx refuses it") < text.index("nginx-80")
    assert "<title>1 problem – front1, shop-fleet</title>" in text
    assert "<title>All well – front1, shop-fleet</title>" in page(seen())


def test_remarks_are_no_problem_in_the_title() -> None:
    text = page(seen(problems=(problem("two want it", kind="conflict"),)))
    assert "<title>All well – front1, shop-fleet</title>" in text
    assert "No problem, 1 remark." in text


def test_an_instance_of_a_stream_shows_its_open_connections() -> None:
    text = page(seen(opened={open_connections.server(instance("nginx-1")): 7}))
    assert re.findall(r'data-label="Requests">(.*?)</td>', text) == ['10 <span class="note">7 open</span>', "0", "0"]
    one = instance("nginx-1")
    stream = page(seen(opened={open_connections.server(one): 7}, counts={one.counted_as: Counts(10)}))
    assert "80.0 ms" in text and "0.0 ms" not in stream


def test_foreign_names_are_escaped() -> None:
    bad = replace(instance("nginx-1"), identity=f"app1:{HOSTILE}:80", node=HOSTILE, tags=(HOSTILE,), service=HOSTILE)
    keys = {f"canary/{HOSTILE}": json.dumps({HOSTILE: HOSTILE})}
    text = page(
        seen(
            catalog=Catalog((bad,), keys),
            problems=(problem(HOSTILE, kind=HOSTILE),),
            changes=(Noted(ago(1), Change(HOSTILE, HOSTILE, HOSTILE)),),
            cluster=Cluster(hosts={HOSTILE: False}),
        )
    )
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert HOSTILE not in text


def test_every_table_has_heads_for_its_columns_and_rows() -> None:
    text = page(seen(catalog=Catalog((*sight().catalog.instances, instance("db-1", service="db")))))
    # Services, those without a route, routes, hosts.
    assert text.count("<table ") == text.count("<thead ") == 4
    assert text.count('scope="rowgroup"') == 3
    assert text.count('scope="row"') == 4 + 2 + 2
    cells = re.findall(r"<td [^>]*>", text)
    assert cells
    assert all("data-label=" in cell or "data-plots=" in cell for cell in cells)


def test_services_without_a_route_are_folded_away() -> None:
    found = page(seen(catalog=Catalog((*sight().catalog.instances, instance("db-1", service="db-5432")))))
    shown, _, folded = found.partition('<details data-group="">')
    assert "db-5432" in folded and "db-5432" not in shown
    assert "1 service without a route (1 instance)" in folded
    assert "<details" not in page(seen())


def test_versions_stand_beside_a_service_and_beside_each_instance_where_they_differ() -> None:
    versions = {"shop-1": "1.4", "shop-2": "1.5", "web-1": "2.0", "web-2": "2.0"}
    found = [
        instance(name, service=name.partition("-")[0], meta=(("version", version),))
        for name, version in versions.items()
    ]
    text = page(seen(catalog=Catalog(tuple(found))))
    assert re.findall(r'<span class="note">([\d., ]+)</span>', text) == ["1.4, 1.5", "1.4", "1.5", "2.0"]


def test_times_are_relative_with_the_moment_behind_them() -> None:
    text = page(seen(problems=(problem("nginx refuses it"),)))
    assert '<time datetime="2026-11-26T02:59:55Z" title="2026-11-26 02:59:55 UTC">5 s</time>' in text


def test_the_newest_changes_are_shown_and_the_rest_is_folded_away() -> None:
    changes = tuple(Noted(ago(12 + n), Change(f"app2/web-{n}", "joined", "nginx-80")) for n in range(8))
    text = page(seen(changes=changes))
    assert re.search(r"<strong>app2/web-0</strong> joined .*nginx-80.*>12 s<", text)
    assert text.index("app2/web-5") < text.index("2 earlier") < text.index("app2/web-6")


def test_servers_and_hosts_are_shown_as_consul_knows_them() -> None:
    servers = tuple(
        Instance("consul", "consul", f"consul{n}", f"10.77.0.1{n}", 8300, node_alive=n != 3) for n in (1, 2, 3, 4)
    )
    peers = frozenset(one.endpoint for one in servers[:3])
    cluster = Cluster(servers[1].endpoint, peers, {"consul3": False, "front1": True})
    text = page(seen(catalog=Catalog((*servers, instance("nginx-1"))), cluster=cluster))
    rows = {
        found[0]: re.findall(r"<td [^>]*>([^<]*)</td>", found[1])
        for found in re.findall(r'scope="row">([^<]*)</th>(.*?)</tr>', text[text.index('id="fleet"') :], re.DOTALL)
    }
    assert rows == {
        "app1": ["alive", "client", "1"],
        "consul1": ["alive", "server, voter", "0"],
        "consul2": ["alive", "server, leader", "0"],
        "consul3": ["lost", "server, voter", "0"],
        "consul4": ["alive", "server, no voter", "0"],
        "front1": ["alive", "client", "0"],
    }
    assert "led by consul2" in text and "1 not heard by Consul" in text


def test_the_page_loads_nothing_from_elsewhere() -> None:
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page(seen()))


def test_a_service_without_instances_and_its_route_are_shown() -> None:
    whole = sight()
    text = page(seen(catalog=Catalog(()), routing=replace(whole.routing, upstreams=())))
    assert "nobody" in text


Look = Callable[[], Document]


def asked(path: str, host: str = "127.0.0.1:8511", method: str = "GET", look: Look = seen) -> tuple[int, str]:
    response = answer(Request(method, path, host), look(), past)
    return response.status, response.body.decode()


def past() -> dict[str, Series]:
    return {"nginx-80": Series((0.0,) * 89 + (12.5,), (0,) * 89 + (2,), (None,) * 89 + (1.9,))}


def test_each_path_has_its_response() -> None:
    assert asked("/")[1].startswith("<!doctype html>")
    assert json.loads(asked("/status.json")[1]) == seen()
    assert "rollcall_front_generation 12.0" in asked("/metrics")[1]
    assert asked("/healthz") == (200, "serves generation 12\n")
    assert asked("/healthz", look=lambda: seen(consul_template_since=None))[0] == 503
    assert "prefers-color-scheme" in asked("/status.css")[1]
    assert "fetch" in asked("/status.js")[1]
    assert json.loads(asked("/history.json")[1])["services"]["nginx-80"]["rates"][-1] == 12.5
    assert asked("/?x=1")[0] == 200
    assert asked("/../paths.py")[0] == 404


def test_every_script_of_the_page_is_served() -> None:
    scripts = re.findall(r'(?:src|href)="([a-z]+[.](?:js|css))"', page(seen()))
    assert len(scripts) == 2
    for script in scripts:
        scripts += [name for name in re.findall(r'from "[.]/([^"]+)"', asked(f"/{script}")[1]) if name not in scripts]
    assert len(scripts) == 6
    assert {asked(f"/{script}")[0] for script in scripts} == {200}


def versioned(etag: str = "", **more: object) -> Response:
    return answer(Request("GET", "/", "localhost", etag), seen(**more), past)


def test_a_page_of_which_nothing_changed_is_not_sent_again() -> None:
    first = versioned()
    same = versioned(first.etag, connections={"active": 3, "requests": 41, "accepted": 10})
    assert (first.status, same.status, same.body, same.etag) == (200, 304, b"", first.etag)
    assert versioned(first.etag, connections={"active": 4}).status == 200
    assert versioned(first.etag, problems=(problem("nginx refuses it"),)).status == 200
    later = document(sight(), NOW_MOMENT + timedelta(seconds=5))
    assert answer(Request("GET", "/", "localhost", first.etag), later, past).status == 304


@pytest.mark.parametrize("path", ["/", "/status.json", "/metrics", "/status.js"])
def test_who_can_read_it_gets_it_compressed(path: str) -> None:
    plain, packed = (answer(Request("GET", path, "localhost", "", gz), seen(), past) for gz in (False, True))
    assert gzip.decompress(packed.body) == plain.body
    assert packed.gzip and len(packed.body) < len(plain.body)
    assert not plain.gzip


@pytest.mark.parametrize("host", ["localhost:8511", "LOCALHOST", "127.0.0.1", "[::1]:9000", "10.77.0.31:8511"])
def test_the_front_responds_at_its_addresses(host: str) -> None:
    assert asked("/status.json", host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8511", "127.0.0.1.evil.example", "localhost.", "::1", "[]", "[evil.example]"],
)
def test_a_rebound_host_name_is_refused(host: str) -> None:
    status, said = asked("/status.json", host)
    assert status == 421
    assert "front1" not in said


def test_nothing_can_be_changed() -> None:
    assert {asked("/", method=method)[0] for method in ("POST", "PUT", "DELETE", "OPTIONS")} == {405}


@asynccontextmanager
async def serving(look: Look = seen) -> AsyncIterator[int]:
    server = await http_server.serve("127.0.0.1:0", look, past)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def sent(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    finally:
        writer.close()


def said_to(request: bytes, look: Look = seen) -> str:
    async def talk() -> bytes:
        async with serving(look) as port:
            return await sent(port, request)

    return asyncio.run(talk()).decode()


GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_browser_gets_the_page_and_may_load_nothing_else() -> None:
    head, _, body = said_to(GET % b"/").partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Security-Policy: default-src 'none';" in head
    assert "Cache-Control: no-store" in head
    assert f"Content-Length: {len(body.encode())}" in head


@pytest.mark.parametrize(
    ("accepted", "packed"), [("gzip, deflate, br", True), ("br,GZIP", True), ("gzip;q=0", False), ("identity", False)]
)
def test_compression_is_agreed_on(accepted: str, packed: bool) -> None:
    request = f"HEAD / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {accepted}\r\n\r\n".encode()
    assert ("Content-Encoding: gzip" in said_to(request)) is packed


def test_a_browser_that_has_the_page_gets_a_304() -> None:
    etag = re.search(r'ETag: (".*")', said_to(GET % b"/"))
    assert etag
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {etag[1]}\r\n\r\n".encode()
    head, _, body = said_to(request).partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 304 ") and body == ""


def test_head_has_no_body() -> None:
    head, _, body = said_to(b"HEAD /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n").partition("\r\n\r\n")
    assert "200 OK" in head
    assert body == ""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431),
    ],
)
def test_bad_requests_get_their_status(request_bytes: bytes, status: int) -> None:
    assert said_to(request_bytes).startswith(f"HTTP/1.1 {status} ")


def test_a_failing_status_is_a_500() -> None:
    def broken() -> Document:
        raise KeyError("generation")

    assert said_to(GET % b"/", broken).startswith("HTTP/1.1 500 ")


def test_a_slow_client_times_out_and_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "TIMEOUT_SECONDS", 0.2)

    async def talk() -> tuple[bytes, bytes]:
        async with serving() as port:
            slow = asyncio.create_task(sent(port, b"GET / HTT"))
            quick = await sent(port, GET % b"/healthz")
            return quick, await asyncio.wait_for(slow, 5)

    quick, slow = asyncio.run(talk())
    assert b"serves generation 12" in quick
    assert slow == b""


def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else such visitors would collect, each with a status in memory, until the front has no descriptor left."""
    monkeypatch.setattr(http_server, "TIMEOUT_SECONDS", 0.2)
    size = 20_000_000
    large = {**seen(), "problems": [{"kind": "refused", "text": "x" * size, "since": None}]}

    async def given_up() -> None:
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)

    async def talk() -> int:
        loop = asyncio.get_running_loop()
        async with serving(lambda: large) as port:
            with socket.create_connection(("127.0.0.1", port)) as visitor:
                visitor.setblocking(False)
                await loop.sock_sendall(visitor, GET % b"/status.json")
                taken = len(await loop.sock_recv(visitor, 1000))
                await given_up()
                while some := await asyncio.wait_for(loop.sock_recv(visitor, 1 << 20), 5):
                    taken += len(some)
                return taken

    assert asyncio.run(talk()) < size


def test_connections_beyond_the_limit_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MAX_CONNECTIONS", 1)

    async def talk() -> bytes:
        async with serving() as port:
            _, first = await asyncio.open_connection("127.0.0.1", port)
            answered = await asyncio.wait_for(sent(port, b""), 5)
            first.close()
            return answered

    assert asyncio.run(talk()) == b""


def test_a_taken_status_port_is_an_error() -> None:
    async def twice() -> None:
        async with serving() as port:
            await http_server.serve(f"127.0.0.1:{port}", seen, past)

    with pytest.raises(OSError, match="in use"):
        asyncio.run(twice())
