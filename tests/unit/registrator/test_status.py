"""What the registrator says about itself, and how its log looks."""

import http.client
import json
import logging
from collections.abc import Iterator

import pytest

from rollcall.registrator import logs
from rollcall.registrator.flags import UsageError
from rollcall.registrator.healthcheck import healthy, status_endpoint
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.settings import Endpoint
from rollcall.registrator.status import Status, serve


class Served:
    def __init__(self) -> None:
        self.status = Status(docker=True, consul=True, loop=True)
        self.metrics = Metrics()
        self.server = serve(Endpoint("127.0.0.1", 0), lambda: self.status, self.metrics)

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_health_is_200_when_all_is_well(served: Served) -> None:
    code, body = served.get("/healthz")
    assert (code, json.loads(body)) == (200, {"docker": True, "consul": True, "loop": True})


@pytest.mark.parametrize("part", ["docker", "consul", "loop"])
def test_health_is_503_and_says_what_is_missing(served: Served, part: str) -> None:
    served.status = Status(**{"docker": True, "consul": True, "loop": True, part: False})
    code, body = served.get("/healthz")
    assert (code, json.loads(body)[part]) == (503, False)


def test_metrics_are_in_prometheus_text(served: Served) -> None:
    served.metrics.services.set(7)
    code, body = served.get("/metrics")
    assert code == 200
    assert "registrator_services 7.0\n" in body
    assert "# TYPE registrator_event_to_consul_seconds histogram" in body


def test_other_paths_say_which_there_are(served: Served) -> None:
    assert served.get("/") == (404, "Not found; the paths are /healthz and /metrics.\n")


def test_a_log_line_as_json() -> None:
    record = logging.LogRecord("any", logging.WARNING, "", 0, "Consul refuses %s", ("“a”\nb",), None)
    fields = json.loads(line := logs.JsonLines().format(record))
    assert "\n" not in line
    assert (fields["level"], fields["message"]) == ("warning", "Consul refuses “a”\nb")
    assert fields["time"].endswith("+00:00")


@pytest.mark.parametrize(
    "command",
    [
        "python3 -P -m rollcall.registrator -internal -status 0.0.0.0:8510 consul://127.0.0.1:8500",
        "/sbin/docker-init -- registrator -status=0.0.0.0:8510 consul://127.0.0.1:8500",
    ],
)
def test_the_one_in_the_container_is_found_by_its_command_line(command: str) -> None:
    zeros = b"".join(part.encode() + b"\0" for part in command.split())
    assert status_endpoint(zeros) == Endpoint("0.0.0.0", 8510)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (b"/sbin/init\0", "not a registrator"),
        (b"", "not a registrator"),
        (b"registrator\0-status\0off\0consul://\0", "runs with -status off"),
    ],
)
def test_a_process_that_cannot_be_asked_is_said(command: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        status_endpoint(command)


def test_the_answer_to_a_healthcheck(served: Served) -> None:
    at = Endpoint("0.0.0.0", served.server.server_port)
    assert healthy(at)[0] is True
    served.status = Status(docker=False, consul=True, loop=True)
    well, answer = healthy(at)
    assert (well, json.loads(answer)["docker"]) == (False, False)


def test_nobody_there_is_not_healthy() -> None:
    well, answer = healthy(Endpoint("127.0.0.1", 1))
    assert not well
    assert answer.startswith("no response from 127.0.0.1:1: ")
