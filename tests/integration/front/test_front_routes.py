"""Routes of containers, and canaries and maintenance pages of operators."""

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SHOP = "shop.example.com"


@pytest.fixture
def shop(catalog, backends):
    """Register a backend as its own service, with metadata as the registrator makes it from SERVICE_…."""

    def register(number: int = 0, service: str = "shop-80", port: int = 80, **meta: str) -> str:
        one = backends[number]
        catalog.api.agent.service.register(
            service,
            service_id=f"app1:{service}-{number}:80",
            address=one.address,
            port=port,
            tags=[f"v{number + 1}"],
            meta=meta,
        )
        return one.name

    return register


@pytest.fixture
def say(catalog):
    """Write one of Rollcall's keys to Consul; the test's end deletes it."""

    def put(key: str, value: str) -> None:
        assert catalog.api.kv.put(f"rollcall/front/{key}", value)

    yield put
    catalog.api.kv.delete("rollcall/front/", recurse=True)


def routes(front) -> set[str]:
    """Return HOST/PATH of each route of the confirmed generation."""
    return {route["host"] + route["path"] for route in front.document().get("routes", [])}


def container(front, host: str, path: str = "/json", **more) -> str:
    answer = front.get(path, host=host, **more)
    return answer.json["container"] if answer.status == 200 else str(answer.status)


def texts(front, kind: str) -> list[str]:
    return [problem["text"] for problem in front.document()["problems"] if problem["kind"] == kind]


def test_a_container_gets_its_hosts_on_both_ports(front, shop, until) -> None:
    name = shop(virtual_host=f"{SHOP}, *.shops.example.com")
    until(lambda: f"{SHOP}/" in routes(front), "the shop")
    assert container(front, SHOP) == name
    assert container(front, "any.shops.example.com") == container(front, SHOP, tls=True) == name
    assert container(front, "www.mastartup.io") == container(front, "elsewhere.example.com") == "502"


def test_a_path_leads_to_its_own_service_with_and_without_its_prefix(front, shop, until) -> None:
    one = shop(0, virtual_host=SHOP)
    two = shop(1, "api-80", virtual_host=SHOP, virtual_path="/json", virtual_strip="true")
    until(lambda: {f"{SHOP}/", f"{SHOP}/json"} <= routes(front), "the shop and the path")
    assert container(front, SHOP, "/json/json") == two
    assert two in front.get("/json", host=SHOP).text
    assert front.get("/json/json", host=SHOP).json["headers"]["X-Forwarded-Prefix"] == "/json"
    assert one in front.get("/jsonx", host=SHOP).text and one in front.get("/", host=SHOP).text


def test_a_backend_may_use_tls_itself(front, shop, until) -> None:
    name = shop(port=443, virtual_host=SHOP, virtual_proto="https")
    until(lambda: f"{SHOP}/" in routes(front), "the shop")
    assert container(front, SHOP) == name


def test_grpc_passes_by_http_2_on_both_ports(front, shop, catalog, until) -> None:
    """The front itself, which speaks HTTP/2 in plain text, is the backend, in front of one with HTTP/1.1."""
    name = shop(virtual_host=SHOP)
    meta = {"virtual_host": SHOP, "virtual_path": "/grpc", "virtual_strip": "yes", "virtual_proto": "grpc"}
    catalog.api.agent.service.register("grpc-80", address="127.0.0.1", port=front.http_port, meta=meta)

    def called(*how: str) -> str:
        return front.execute("curl", "-sk", "-H", f"Host: {SHOP}", "-H", "TE: trailers", *how)[1]

    plain = ("--http2-prior-knowledge", f"http://127.0.0.1:{front.http_port}/grpc/json")
    until(lambda: {f"{SHOP}/", f"{SHOP}/grpc"} <= routes(front), "both services")
    assert name in called(*plain)
    assert name in called("--http2", f"https://127.0.0.1:{front.https_port}/grpc/json")


def test_invalid_metadata_costs_only_its_own_instance_and_is_reported(front, shop, until) -> None:
    shop(0, virtual_host="shop.example.com;return")
    good = shop(1, virtual_host=SHOP)
    until(lambda: f"{SHOP}/" in routes(front), "the good instance")
    assert [container(front, SHOP) for _ in range(4)] == [good] * 4
    (text,) = texts(front, "metadata")
    assert text.startswith("app1:shop-80-0:80 of shop-80 gets no requests because of its metadata: virtual_host: got")


def test_a_conflict_is_decided_by_name_and_reported(front, shop, until) -> None:
    shop(1, "zebra-80", virtual_host=SHOP)
    first = shop(0, "ape-80", virtual_host=SHOP)

    def leads_to() -> list[list[str]]:
        return [route["services"] for route in front.document()["routes"] if route["host"] == SHOP]

    until(lambda: leads_to() == [["ape-80"]], "the first by name")
    assert texts(front, "conflict") == [f"{SHOP}/ goes to ape-80 as the name that sorts first; zebra-80 claims it too"]
    assert {container(front, SHOP) for _ in range(4)} == {first}


def test_a_route_of_group_data_is_for_a_service_without_metadata(start_front, shop, until) -> None:
    with start_front(routes=[{"service": "shop-80", "host": SHOP}]) as front:
        assert container(front, SHOP) == "502"
        name = shop()
        until(front.instances, "the shop")
        assert container(front, SHOP) == name


def test_a_canary_gets_its_share(front, shop, say, until) -> None:
    old, new = shop(0, virtual_host=SHOP), shop(1, virtual_host=SHOP)
    until(lambda: len(front.instances()) == 2, "both instances")
    assert {container(front, SHOP) for _ in range(4)} == {old, new}
    before = front.generation()
    say("canary/shop-80", json.dumps({"v2": 10}))
    until(lambda: front.generation() > before, "nginx with the canary")
    assert Counter(container(front, SHOP) for _ in range(100)) == {old: 90, new: 10}


def test_a_maintenance_page_replaces_one_route_until_it_is_deleted(front, shop, say, catalog, until) -> None:
    name = shop(virtual_host=SHOP)
    shop(1, "api-80", virtual_host=SHOP, virtual_path="/api")
    until(lambda: f"{SHOP}/" in routes(front), "the shop")
    say(f"maintenance/{SHOP}", "Back at <noon>; pay $0 {now}.")
    page = until(lambda: one if (one := front.get(host=SHOP)).status == 503 else None, "the page")
    assert page.headers["Retry-After"] == "60" and page.headers["X-Request-ID"]
    assert "Back at &#60;noon&#62;&#59; pay &#36;0 &#123;now&#125;." in page.text
    until(front.settled, "the page for every visitor")
    assert front.get("/api", host=SHOP).status == 200
    catalog.api.kv.delete(f"rollcall/front/maintenance/{SHOP}")
    until(lambda: container(front, SHOP) == name, "the shop again")


def test_a_request_has_one_id_from_the_client_to_the_log(front, shop, until) -> None:
    shop(virtual_host=SHOP)
    until(lambda: f"{SHOP}/" in routes(front), "the shop")
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = front.get(host=SHOP, X_Request_ID="from-the-client", traceparent=trace)
    assert answer.json["headers"]["traceparent"] == trace
    assert answer.headers["X-Request-ID"] == answer.json["headers"]["X-Request-ID"] == "from-the-client"

    def logged() -> list[dict[str, object]]:
        lines = [line for line in front.log().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["request_id"] == "from-the-client"]

    (line,) = until(logged, "the line in the log")
    assert (line["host"], line["uri"], line["status"], line["upstream_status"]) == (SHOP, "/json", 200, "200")
    assert line["traceparent"] == trace
    replaced = front.get(host=SHOP, X_Request_ID="two words").json["headers"]["X-Request-ID"]
    assert len(replaced) == 32


class _Stream(BaseHTTPRequestHandler):
    """Send the first event at once, the second after `go_on`; with HTTP/1.0, or chunked for /chunked."""

    go_on = threading.Event()

    def do_GET(self) -> None:
        chunked = self.path == "/chunked"
        self.protocol_version = "HTTP/1.1" if chunked else "HTTP/1.0"
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.path == "/accelerated":
            self.send_header("X-Accel-Buffering", "no")
        self.end_headers()
        self.wfile.write(b"b\r\ndata: one\n\n\r\n" if chunked else b"data: one\n\n")
        self.go_on.wait(10)
        self.wfile.write(b"b\r\ndata: two\n\n\r\n0\r\n\r\n" if chunked else b"data: two\n\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stream():
    _Stream.go_on.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stream) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_port
        _Stream.go_on.set()
        listening.shutdown()


@pytest.mark.parametrize(("path", "buffering"), [("/chunked", "on"), ("/accelerated", "on"), ("/", "off")])
def test_an_event_arrives_before_the_next_one_is_sent(
    front, catalog, stream: int, until, path: str, buffering: str
) -> None:
    meta = {"virtual_host": SHOP, "virtual_buffering": buffering}
    catalog.api.agent.service.register("news-80", address="127.0.0.1", port=stream, meta=meta)
    until(lambda: f"{SHOP}/" in routes(front), "the stream's service")
    connection = front.connect()
    connection.request("GET", path, headers={"Host": SHOP})
    response = connection.getresponse()
    assert response.read1(100) == b"data: one\n\n"
    _Stream.go_on.set()
    assert response.read() == b"data: two\n\n"
    connection.close()


def test_hundreds_of_hosts_fit_one_configuration(front, catalog, until) -> None:
    for number in range(500):
        catalog.api.agent.service.register(
            f"many-{number}", address="127.0.0.1", port=9, meta={"virtual_host": f"s{number}.example.com"}
        )
    until(lambda: front.loaded().count("server 127.0.0.1:9 ") == 500, "all of them", 30)
    until(lambda: len(front.document()["routes"]) == 501, "served", 30)
    assert front.failure() == ""
