"""The front's program reads what a deploy writes."""

import json
from typing import Any

import pytest
from six_hosts import checked

from rollcall.contract.stream_metadata import Place
from rollcall.converge.resources import File
from rollcall.front.inputs.settings import DeclaredRoute, DeclaredStream, Listen, read


def written(desired: Any, **front: Any) -> str:
    resources = desired(checked(front=front), "front1")["front"]
    (text,) = [
        resource.text for resource in resources if isinstance(resource, File) and resource.path.endswith("/front.json")
    ]
    return str(text)


def test_every_setting_reaches_the_program(desired: Any) -> None:
    route = {"service": "grafana-3000", "host": "Grafana.example.com.", "path": "/graphs/", "protocol": "https"}
    policies = {"retries": False, "allow": ["10.0.0.0/8", "192.0.2.7"], "basic_auth": "staff"}
    given = {
        "address": "10.77.0.31",
        "http_port": 81,
        "https_port": 444,
        "redirect": 8443,
        "services": ["shop-80", "v2.api-80"],
        "server_name": "shop.example.com",
        "max_fails": 1,
        "fail_timeout": 2,
        "weight": 3,
        "shutdown_timeout": 40,
        "stop_timeout": 5,
        "old_generations": 6,
        "keep_lost": 7,
        "status": "off",
        "users": ["staff"],
    }
    stream = {"port": 8443, "service": "mail-993", "server_names": ["Mail.example.com."], "deny": ["10.0.0.0/8"]}
    opened = {"streams": [stream], "stream_ports": [5432, "53/udp", "9000-9001"]}
    settings = read(written(desired, routes=[route | policies], proxy_read_timeout=8, **opened, **given))
    assert settings.listens == (Listen("10.77.0.31", 81), Listen("10.77.0.31", 444))
    wanted = (("allow", "10.0.0.0/8 192.0.2.7/32"), ("basic_auth", "staff"), ("retries", "off"))
    assert settings.routes == (
        DeclaredRoute("grafana-3000", "grafana.example.com", "/graphs", False, "https", True, wanted),
    )
    place = Place(8443, "tcp", "mail.example.com")
    assert settings.streams == (DeclaredStream("mail-993", (place,), (("deny", "10.0.0.0/8"),)),)
    assert settings.stream_ports == {(5432, "tcp"), (53, "udp"), (9000, "tcp"), (9001, "tcp")}
    assert {key: getattr(settings, key) for key in given} == {
        **given,
        "services": ("shop-80", "v2.api-80"),
        "users": ("staff",),
    }
    assert (settings.node, settings.read_timeout) == ("front1", 8)


def test_every_setting_is_required(desired: Any) -> None:
    whole = json.loads(written(desired))
    for key in whole:
        with pytest.raises(ValueError, match=key):
            read(json.dumps({other: value for other, value in whole.items() if other != key}))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"listens": [["", 80]], "services": [], "routes": [], "nonsense": 1}']
)
def test_a_file_of_another_version_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid front\.json: .*; deploy with the version of this image$"):
        read(text)
