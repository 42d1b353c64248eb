"""The lab's front as visitors of any of its hosts see it, and what it says of itself."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

from asking import Ask
from deployed import Fleet, wait_for

from rollcall.verify import host_probe, nginx_sites
from rollcall.verify.nginx_sites import NginxSites

# Where consul-template's keys of ours are.
KEYS = "/v1/kv/rollcall/front/"


@dataclass(frozen=True)
class Page:
    """What a visitor got; status 0 is no answer at all."""

    status: int
    text: str = ""
    retry_after: str = ""


def ask(host: str, path: str = "/") -> Page:
    """Ask the front for a path of a host, over a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return Page(answer.status, answer.read().decode(), answer.headers.get("Retry-After", ""))
    except (OSError, http.client.HTTPException):
        return Page(0)
    finally:
        connection.close()


def status(fleet: Fleet) -> dict[str, Any]:
    """Give the front's own account of itself."""
    said: dict[str, Any] = json.loads(fleet.on("front1", "curl -s --max-time 5 http://127.0.0.1:8511/status.json"))
    return said


def settle(fleet: Fleet) -> None:
    """Wait until the newest generation is confirmed: until then, a worker of before may take the next request."""

    def is_confirmed() -> bool:
        newest = fleet.on("front1", "docker exec front readlink /var/lib/rollcall/front/current")
        return newest.strip() == f"generation.{status(fleet)['generation']['number']}"

    wait_for("front without workers of before", is_confirmed, 15)


def problems(fleet: Fleet) -> list[str]:
    """Give what the front complains of, each as "kind: sentence"."""
    return [f"{entry['kind']}: {entry['text']}" for entry in status(fleet)["problems"]]


def sites(fleet: Fleet) -> NginxSites:
    """Read what nginx serves."""
    return nginx_sites.parse(fleet.on("front1", host_probe.NGINX_SITES))


def put(fleet: Fleet, key: str, value: str) -> None:
    """Write a key below rollcall/front/ as an operator."""
    token = fleet.secrets().tokens.secret("operator")
    [answer] = fleet.ask("app1", [Ask("PUT", KEYS + key, value)], token)
    assert answer.body.strip() == "true", answer


def delete(fleet: Fleet, key: str) -> None:
    fleet.ask("app1", [Ask("DELETE", KEYS + key)], fleet.secrets().tokens.secret("operator"))


def passing(fleet: Fleet) -> set[str]:
    """Give the address:port of every instance that should be behind the default site."""
    webservers = fleet.consul("/v1/health/service/webserver-80?passing&tag=http")
    others = fleet.consul("/v1/health/service/nginx-80?passing")
    services = [entry["Service"] for entry in [*(webservers or ()), *(others or ())]]
    return {f"{entry['Address']}:{entry['Port']}" for entry in services}


@dataclass(frozen=True)
class Difference:
    """Between nginx's list and the catalog: whom nginx still has, and whom it does not have yet."""

    stale: frozenset[str]
    missing: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.stale or self.missing)


def difference(fleet: Fleet) -> Difference:
    right, listed = passing(fleet), sites(fleet).backends
    return Difference(listed - right, frozenset(right - listed))
