"""What a deploy tells the front: the part of the settings that the program itself needs (front.json)."""

import json
from dataclasses import dataclass
from typing import Any

Listen = tuple[str, int]


@dataclass(frozen=True)
class DeclaredRoute:
    """A route from group_data, for a service that carries none itself; `service` is "name" or "tag.name"."""

    service: str
    host: str
    path: str = "/"
    strip: bool = False
    protocol: str = "http"
    buffering: bool = True


@dataclass(frozen=True)
class Settings:
    """`listens` are (address, port), "" for every address; times are seconds.

    `redirect` is False, True or the port that visitors know HTTPS by. `read_timeout` is how long a backend may be
    silent. `status` is "address:port", or "off". `consul` is the address:port of this host's own agent. What the others
    mean stands in rollcall/settings.py.
    """

    node: str
    listens: tuple[Listen, ...]
    services: tuple[str, ...]
    server_name: str
    http_port: int
    https_port: int
    address: str = ""
    redirect: bool | int = False
    routes: tuple[DeclaredRoute, ...] = ()
    max_fails: int = 3
    fail_timeout: int = 60
    weight: int = 1
    read_timeout: int = 75
    shutdown_timeout: int = 3600
    stop_timeout: int = 30
    old_generations: int = 20
    keep_lost: int = 180
    status: str = "127.0.0.1:8511"
    consul: str = "127.0.0.1:8500"


def read(text: str) -> Settings:
    """Read front.json. A deploy has checked the values; here they only get their types.

    Raises:
        ValueError: it is not what a deploy of this version writes.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        document["listens"] = tuple((address, port) for address, port in document["listens"])
        document["services"] = tuple(document["services"])
        document["routes"] = tuple(DeclaredRoute(**route) for route in document.get("routes", ()))
        return Settings(**document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"front.json is not what a deploy of this version writes: {error}") from error
