"""What a deploy tells the front: the part of the settings that the program itself needs (front.json)."""

from dataclasses import dataclass

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
    """`listens` are (address, port), "" for every address; times are seconds."""

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
    shutdown_timeout: int = 3600
    old_generations: int = 20
    keep_lost: int = 180
    status: str = "127.0.0.1:8511"
