"""Commands in the user's container: the requests, and the meaning of the responses."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

import pytest
from own_template import template

from rollcall.template_sync.commands import CommandError, NotRunningError
from rollcall.template_sync.inside import Inside, frames

TEMPLATE = template("true", container="lb")


class Engine(ThreadingUnixStreamServer):
    """Responds to each path as configured."""

    def __init__(self, path: Path) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        super().__init__(str(path), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        status, body = self.server.answers[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - what http.server looks for

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "s") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def inside(engine: Engine) -> Inside:
    return Inside(TEMPLATE, Path(str(engine.server_address)))


def ends(engine: Engine, status: int, output: bytes = b"") -> None:
    framed = b"\x02\0\0\0" + len(output).to_bytes(4, "big") + output
    engine.answers |= {
        "/haproxy/check": (201, b'{"Id": "e1"}'),
        "/exec/e1/start": (200, framed),
        "/exec/e1/json": (200, json.dumps({"Running": False, "ExitCode": status}).encode()),
    }


def test_a_request_for_a_command_contains_only_its_name(engine: Engine, inside: Inside) -> None:
    ends(engine, 0)
    inside.run("check")
    assert engine.asked == ["POST /haproxy/check", "POST /exec/e1/start", "GET /exec/e1/json"]


def test_a_failing_commands_output_is_the_reason(engine: Engine, inside: Inside) -> None:
    ends(engine, 1, b"unknown keyword\n\nin line 3\n")
    with pytest.raises(CommandError, match=r"^exit status 1: unknown keyword \| in line 3$"):
        inside.run("check")


@pytest.mark.parametrize("status", [404, 409])
def test_a_stopped_container_differs_from_a_failing_command(engine: Engine, inside: Inside, status: int) -> None:
    engine.answers["/haproxy/check"] = (status, b'{"message": "No such container: lb"}')
    with pytest.raises(NotRunningError, match="the container lb does not run: No such container: lb"):
        inside.run("check")


def test_a_rejection_by_the_filter_is_its_sentence(engine: Engine, inside: Inside) -> None:
    engine.answers["/haproxy/reload"] = (403, b'{"message": "refused by the commands filter"}')
    with pytest.raises(CommandError, match=r"^refused by the commands filter$"):
        inside.run("reload")


def test_a_filter_that_is_away_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the commands filter does not respond"):
        Inside(TEMPLATE, tmp_path / "absent").run("check")


def test_the_engines_framing_is_removed() -> None:
    assert b"".join(frames(b"\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\x01c")) == b"abc"
    assert list(frames(b"")) == []
