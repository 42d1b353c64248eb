"""Which value counts when a container gives several."""

import pytest
from registrator_documents import container

from rollcall.registrator.docker.container import Port
from rollcall.registrator.services.metadata import read_metadata, split_tags


def value(port: str, key: str, env: dict[str, str] | None = None, labels: dict[str, str] | None = None) -> str:
    number, protocol = port.split("/")
    return read_metadata(container(env=env, labels=labels), Port(int(number), protocol)).get(key)


def test_keys_are_lower_cased() -> None:
    assert value("80/tcp", "region", env={"SERVICE_REGION": "EU"}) == "EU"


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("loser", "winner"),
    [
        ("SERVICE_NAME", "SERVICE_80_NAME"),
        ("SERVICE_NAME", "SERVICE_70-90_NAME"),
        ("SERVICE_70-90_NAME", "SERVICE_80_NAME"),
        ("SERVICE_80_NAME", "SERVICE_80_tcp_NAME"),
        ("SERVICE_80_NAME", "SERVICE_80_TCP_NAME"),
    ],
)
def test_the_closest_to_the_port_wins_in_any_order(loser: str, winner: str, order: int) -> None:
    env = dict([(loser, "loser"), (winner, "winner")][::order])
    assert value("80/tcp", "name", env=env) == "winner"


def test_a_label_wins_over_the_environment() -> None:
    assert value("80/tcp", "name", env={"SERVICE_NAME": "env"}, labels={"SERVICE_NAME": "label"}) == "label"


def test_the_environment_for_the_port_wins_over_a_general_label() -> None:
    assert value("80/tcp", "name", env={"SERVICE_80_NAME": "env"}, labels={"SERVICE_NAME": "label"}) == "env"


@pytest.mark.parametrize(
    ("port", "key"),
    [
        ("81/tcp", "SERVICE_80_NAME"),
        ("80/udp", "SERVICE_80_tcp_NAME"),
        ("80/tcp", "SERVICE_80_udp_NAME"),
        ("7999/tcp", "SERVICE_8000-8010_NAME"),
        ("8011/tcp", "SERVICE_8000-8010_NAME"),
        ("80/tcp", "NAME"),
        ("80/tcp", "service_NAME"),
    ],
)
def test_what_is_for_another_port_or_nobody_does_not_count(port: str, key: str) -> None:
    assert value(port, "name", env={key: "web"}) == ""


@pytest.mark.parametrize("port", ["8000/tcp", "8005/udp", "8010/tcp"])
def test_a_range_counts_for_its_ports(port: str) -> None:
    assert value(port, "name", env={"SERVICE_8000-8010_NAME": "web"}) == "web"


def test_only_a_value_for_the_port_names_the_port() -> None:
    port = Port(80, "tcp")
    assert read_metadata(container(env={"SERVICE_80_NAME": "web"}), port).names_port("name")
    assert not read_metadata(container(env={"SERVICE_NAME": "web"}), port).names_port("name")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", []),
        ("http", ["http"]),
        ("a,b", ["a", "b"]),
        (",a,,b,", ["a", "b"]),
        (r"a\,b,c", ["a,b", "c"]),
        (r"\,", [","]),
    ],
)
def test_tags_are_split_at_commas(text: str, tags: list[str]) -> None:
    assert split_tags(text) == tags
