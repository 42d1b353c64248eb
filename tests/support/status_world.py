"""Three hosts as `rollcall status` reads them: two with containers, one with a front."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from six_hosts import checked

from rollcall.contract.status_document import Document
from rollcall.status.fleet_status import FleetStatus, joined
from rollcall.status.host import Host
from rollcall.status.host_status import HostReading, Registered

FLEET = checked()
NOW = "2026-11-26T03:00:00Z"


def container(name: str, state: str = "running", health: str = "", labels: dict[str, str] | None = None) -> Any:
    """A container that publishes its port 80, as `docker inspect` shows it."""
    return {
        "Id": name.ljust(64, "0"),
        "Name": f"/{name}",
        "State": {"Status": state, **({"Health": {"Status": health}} if health else {})},
        "Config": {"Image": "nginx:1.30", "Env": [], "Labels": labels or {}, "ExposedPorts": {"80/tcp": {}}},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "20001"}]}, "Networks": {}},
    }


def registered(node: str, name: str, state: str = "passing", **more: Any) -> Registered:
    given = {"address": "10.77.0.21", "port": 20001, "tags": (), "weight": 1, **more}
    return Registered(f"{node}:{name}:80", "nginx", state=state, **given)


# Rollcall's containers that every host has.
ON_EVERY_HOST = ("consul", "dns", "socket-filter", "registrator")


def seen(node: str, name: str, state: str = "passing", share: float | None = 0.5, **more: Any) -> dict[str, Any]:
    """An instance in a front's document."""
    return {
        "id": f"{node}:{name}:80",
        "node": node,
        "address": "10.77.0.21:20001",
        "container": name,
        "tags": [],
        "state": state,
        "weight": 1,
        "share": share,
        "listed_since": None if share is None else "2026-11-26T02:59:00Z",
        "requests": 10,
        "errors": 1,
        "seconds": 0.8,
        **more,
    }


def front(*instances: dict[str, Any], **more: Any) -> Document:
    """A front's document with one service."""
    canary = more.pop("canary", None)
    route = {
        "host": "www.example.com",
        "path": "/",
        "services": ["nginx"],
        "maintenance": more.pop("maintenance", False),
    }
    return {
        "version": 1,
        "node": "front1",
        "time": NOW,
        "problems": [],
        "consul_template": {"running": True},
        "routes": [route],
        "services": [{"name": "nginx", "upstreams": ["nginx"], "canary": canary, "instances": list(instances)}],
        **more,
    }


def host(name: str, *containers: Any, **more: Any) -> Host:
    unread = more.pop("unread", "")
    ours = [ours_running(name) for name in ON_EVERY_HOST]
    ours += [ours_running("front")] if "front" in more else []
    known = {document["Name"] for document in containers}
    every = (*containers, *(document for document in ours if document["Name"] not in known))
    return Host(FLEET.member(name), HostReading(() if unread else every, **more), unread)


def ours_running(name: str) -> Any:
    """One of Rollcall's own containers."""
    return container(name, labels={"rollcall.managed": name, "SERVICE_IGNORE": "true"})


def app(name: str, *names: str) -> Host:
    """A host on which all is as it should be."""
    return host(
        name,
        *(container(name, health="healthy") for name in names),
        registered=tuple(registered(name, own) for own in names),
    )


def all_well(**more: Any) -> tuple[Host, ...]:
    document = front(seen("app1", "web-1"), seen("app2", "web-2"), **more)
    return app("app1", "web-1"), app("app2", "web-2"), host("front1", front=document, registered=())


def status(*hosts: Host) -> FleetStatus:
    return joined(FLEET, hosts, datetime.fromisoformat(NOW))


def with_front(*instances: dict[str, Any], **more: Any) -> FleetStatus:
    """All is well but for what the front says."""
    first, second, last = all_well()
    document = front(*(instances or (seen("app1", "web-1"), seen("app2", "web-2"))), **more)
    return status(first, second, replace(last, reading=replace(last.reading, front=document)))
