"""The socket filter attacked with bytes that no honest client would send. What is refused never reaches the engine."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from filter_world import Filter, Listener, filtered, say
from registrator_world import LABELS

ID = "0123456789abcdef" * 4
HOST = b"Host: docker\r\n"
# What an engine would make of it bears this label. The image is there.
LABEL = "rollcall.attack"
JSON = b'{"Image":"rollcall-lab/nginx:1.30","Labels":{"rollcall.attack":"1"}}'


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    return b"".join([line.encode("latin-1"), b"\r\n", HOST, *(f"{one}\r\n".encode() for one in headers), b"\r\n", body])


def call(method: str, path: str) -> bytes:
    body = JSON if method in ("POST", "PUT") else b""
    headers = ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return request(f"{method} {path} HTTP/1.1", *headers, body=body)


CREATE = call("POST", "/containers/create")

# What would change something, or tell what the registrator need not know.
CALLS = [
    ("POST", "/containers/create"),
    *[
        ("POST", f"/containers/{ID}/{verb}")
        for verb in ("start", "stop", "kill", "restart", "exec", "attach", "update")
    ],
    *[
        ("GET", f"/containers/{ID}/{noun}")
        for noun in ("logs?stdout=1", "export", "top", "stats", "changes", "attach/ws")
    ],
    *[(method, f"/containers/{ID}/archive?path=/etc/shadow") for method in ("GET", "HEAD", "PUT")],
    ("DELETE", f"/containers/{ID}?force=1"),
    ("POST", "/exec/1/start"),
    ("GET", "/exec/1/json"),
    ("GET", "/images/json"),
    ("GET", "/images/nginx/get"),
    ("POST", "/images/create?fromImage=x"),
    ("POST", "/build"),
    ("POST", "/session"),
    ("POST", "/grpc"),
    ("POST", "/auth"),
    ("POST", "/commit?container=1"),
    # A filter that let it through would cost whoever runs this test nothing of their own.
    ("POST", f"/containers/prune?filters=%7B%22label%22%3A%5B%22{LABEL}%22%5D%7D"),
    ("GET", "/info"),
    ("GET", "/networks"),
    ("GET", "/volumes"),
    ("GET", "/secrets"),
    ("GET", "/swarm/unlockkey"),
    ("GET", "/system/df"),
    ("GET", "/"),
    *[
        (method, "/containers/json")
        for method in ("HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "GETX")
    ],
    ("HEAD", "/_ping"),
]

# Ways to write a path that one program reads as another than the next.
PATHS = [
    "/containers/../images/json",
    "/containers/json/../../images/json",
    "/containers/json/../json",
    "/./containers/json",
    "/%2e%2e/containers/json",
    "/containers/%2e%2e/images/json",
    "/containers/%2E%2E/images/json",
    "/containers/.%2e/images/json",
    "/containers%2fjson",
    "/containers%2Fjson",
    "/%63ontainers/json",
    "/containers/json%00",
    "/containers/json%20",
    "/containers/json%0d%0aX-A:%20b",
    "/containers/json/",
    "/containers/json;a=b",
    "/containers/json#/../../images/json",
    "/containers/json?a#b",
    "/containers/json?a=\\",
    "/containers/json?a=\xe9",
    "//containers/json",
    "///containers/json",
    "/containers//json",
    "/containers\\json",
    "/Containers/JSON",
    "/_ping/",
    "/_ping/../images/json",
    "/version.",
    "/events/../images/json",
    f"/containers/{ID}/json/../archive?path=/",
    f"/containers/{ID}%2farchive?path=/",
    f"/containers/{ID}/archive%3fpath=/json",
    f"/containers/{ID}/archive/json",
    f"/containers/{ID[:-1]}/json",
    f"/containers/{ID}0/json",
    f"/containers/{ID.upper()}/json",
    "/containers/web-1/json",
    "/containers//json?a",
    "containers/json",
    "*",
    "http://docker/containers/json",
    "http://docker/images/json",
    "http:/containers/json",
    "docker:80",
    "/v1.44/../containers/json",
    "/v1.44/containers/../images/json",
    "/v1.44//containers/json",
    "/v1.44%2fcontainers/json",
    "/v1.44/v1.44/containers/json",
    "/v1.44",
    "/v1.44/",
    "/v1.44/images/json",
    "/v1/containers/json",
    "/v1.4/containers/json",
    "/v1.04/containers/json",
    "/v1.444/containers/json",
    "/v1.44.1/containers/json",
    "/v1x44/containers/json",
    "/v2.44/containers/json",
    "/V1.44/containers/json",
    "/1.44/containers/json",
]

# Request lines that are not "GET path HTTP/1.1" with one space between.
LINES = [
    "get /containers/json HTTP/1.1",
    "Get /containers/json HTTP/1.1",
    "GET /containers/json HTTP/1.0",
    "GET /containers/json HTTP/2.0",
    "GET /containers/json HTTP/1.2",
    "GET /containers/json HTTP/1.10",
    "GET /containers/json http/1.1",
    "GET /containers/json",
    "GET  /containers/json HTTP/1.1",
    "GET\t/containers/json HTTP/1.1",
    "GET /containers/json  HTTP/1.1",
    "GET /containers/json HTTP/1.1 GET /images/json HTTP/1.1",
    "CONNECT docker:80 HTTP/1.1",
    "PRI * HTTP/2.0",
    "\x16\x03\x01\x00\xa5\x01",
    "\x00GET /containers/json HTTP/1.1",
]
ALLOWED = "GET /containers/json HTTP/1.1"

# An allowed line with something behind it that would be another request to somebody who counts otherwise.
BODIES = {
    "a body": request(ALLOWED, f"Content-Length: {len(CREATE)}", body=CREATE),
    "an empty body": request(ALLOWED, "Content-Length: 0"),
    "chunks": request(ALLOWED, "Transfer-Encoding: chunked", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(CREATE), CREATE)),
    "an end of chunks": request(ALLOWED, "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + CREATE),
    "both lengths": request(ALLOWED, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + CREATE),
    "two lengths": request(ALLOWED, "Content-Length: 0", f"Content-Length: {len(CREATE)}", body=CREATE),
    "a length below zero": request(ALLOWED, "Content-Length: -1", body=CREATE),
    "an unknown encoding": request(ALLOWED, "Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + CREATE),
    "two encodings": request(ALLOWED, "Transfer-Encoding: identity", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "an upgrade": request(ALLOWED, "Connection: Upgrade", "Upgrade: tcp"),
    "an upgrade to HTTP/2": request(
        ALLOWED, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA"
    ),
    "a websocket": request(ALLOWED, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAA"),
    "no host": f"{ALLOWED}\r\n\r\n".encode(),
    "a header too long": request(ALLOWED, "X: " + "x" * 100_000),
    "a path too long": request(f"GET /containers/json?{'x' * 100_000} HTTP/1.1"),
    "headers without number": request(ALLOWED, *(f"X-{number}: {'x' * 100}" for number in range(2000))),
}

ATTACKS = {
    **{f"{method} {path}": call(method, path) for method, path in CALLS},
    **{f"path {path}": call("GET", path) for path in PATHS},
    **{f"line {line!r}": request(line) for line in LINES},
    **BODIES,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    listener = Listener(tmp_path_factory.mktemp("engine") / "docker.sock")
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def filter_before(engine: Listener, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filter]:
    with filtered("rollcall-test-attacked", image, tmp_path_factory.mktemp("attacked"), engine.path) as made:
        yield made


def reached(before: Filter, engine: Listener, *sent: bytes) -> tuple[list[bytes], bytes]:
    """Send bytes, and give what the engine then had of it, and the answer.

    nginx's one process takes things in their order: when a later request is answered, this one has been dealt with.
    """
    engine.received.clear()
    answer = say(before.path, *sent)
    assert Listener.ANSWER in say(before.path, call("GET", "/_ping"), until=Listener.ANSWER)
    assert engine.received[-1].startswith(b"GET /_ping ")
    return engine.received[:-1], answer


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_filter_refuses_it_before_the_engine(filter_before: Filter, engine: Listener, attack: bytes) -> None:
    had, answer = reached(filter_before, engine, attack)
    assert had == []
    assert Listener.ANSWER not in answer
    assert set(re.findall(rb"HTTP/1\.[01] (\d{3})", answer)) <= {b"403"}
    assert b"refused by the socket filter" in answer or attack.startswith(b"HEAD")


@pytest.mark.parametrize(
    "path", ["/_ping", "/version", "/containers/json", f"/containers/{ID}/json", f"/containers/{ID[:12]}/json"]
)
@pytest.mark.parametrize("version", ["", "/v1.24", "/v1.41", "/v1.52"])
@pytest.mark.parametrize("query", ["", "?", "?all=1&filters=%7B%22type%22%3A%5B%22container%22%5D%7D"])
def test_only_the_registrators_request_line_reaches_the_engine(
    filter_before: Filter, engine: Listener, version: str, path: str, query: str
) -> None:
    line = f"GET {version}{path}{query} HTTP/1.1"
    hostile = [
        "X-HTTP-Method-Override: POST",
        "Connection: X-A, Host",
        "X-Registry-Auth: e30=",
        "Cookie: a",
        "Expect: x",
        "Range: bytes=0-",
    ]
    had, answer = reached(filter_before, engine, request(line, *hostile))
    assert had == [f"{line}\r\nHost: docker\r\n\r\n".encode()]
    assert Listener.ANSWER in answer


def test_a_request_after_an_allowed_one_is_checked_too(filter_before: Filter, engine: Listener) -> None:
    had, answer = reached(filter_before, engine, request(ALLOWED) + CREATE + request(ALLOWED))
    assert had == [b"GET /containers/json HTTP/1.1\r\nHost: docker\r\n\r\n"] * 2
    assert re.findall(rb"HTTP/1\.1 (\d{3})", answer) == [b"200", b"403", b"200"]


def test_a_request_in_pieces_is_checked_as_a_whole(filter_before: Filter, engine: Listener) -> None:
    had, _ = reached(filter_before, engine, *(bytes([byte]) for byte in call("GET", "/containers/json/../../info")))
    assert had == []


def test_every_refusal_is_a_line_in_the_log(filter_before: Filter) -> None:
    say(filter_before.path, call("POST", "/containers/create?name=logged"))
    assert 'refused: "POST /containers/create?name=logged HTTP/1.1"' in filter_before.log


def test_the_attacks_leave_a_real_engine_unchanged(
    client: docker.DockerClient, image: str, name: str, tmp_path: Path
) -> None:
    """With the id of a container that runs, so that nothing fails only because there is none."""
    target = client.containers.run(image, name=f"{name}-target", detach=True, labels=LABELS)
    try:
        with filtered(name, image, tmp_path) as before:
            target.reload()
            began, since = target.attrs["State"], time.time()
            for attack in ATTACKS.values():
                say(before.path, attack.replace(ID.encode(), target.id.encode()), seconds=0.05)
        target.reload()
        assert target.attrs["State"] == began
        # Looking at its files, logs or processes is an event, too.
        seen = client.events(since=since, until=time.time(), filters={"container": target.id}, decode=True)
        assert [event["Action"] for event in seen] == []
        assert client.containers.list(all=True, filters={"label": LABEL}) == []
    finally:
        target.remove(force=True, v=True)
