"""Inspect documents: recorded ones, the same as a newer engine gives them, and small ones made to order."""

import copy
import json
from pathlib import Path
from typing import Any

from rollcall.registrator.docker.container import Container, read_container
from rollcall.registrator.services.network_owner import network_owner
from rollcall.registrator.services.services import ContainerServices, read_services
from rollcall.registrator.settings import AgentAddress, Settings

DOCUMENTS = Path(__file__).parent / "documents"
AGENT = AgentAddress("consul", "127.0.0.1", 8500)

# What API 1.52 (Docker 29) leaves out of NetworkSettings.
GONE_IN_1_52 = (
    "Bridge",
    "EndpointID",
    "Gateway",
    "GlobalIPv6Address",
    "GlobalIPv6PrefixLen",
    "HairpinMode",
    "IPAddress",
    "IPPrefixLen",
    "IPv6Gateway",
    "LinkLocalIPv6Address",
    "LinkLocalIPv6PrefixLen",
    "MacAddress",
    "SecondaryIPAddresses",
    "SecondaryIPv6Addresses",
)
ENGINES = ("20.10", "29")


def settings(**fields: Any) -> Settings:
    fields.setdefault("host_address", fields.get("ip", ""))
    return Settings(**{"agent": AGENT, "hostname": "app1", **fields})


def recorded(name: str, engine: str = "20.10") -> Container:
    """A document recorded from Docker 20.10 or 26.1, or the one from 20.10 as Docker 29 words it."""
    source = "20.10" if engine == "29" else engine
    document = json.loads((DOCUMENTS / f"engine-{source}-{name}.json").read_text())
    if engine == "29":
        for key in GONE_IN_1_52:
            del document["NetworkSettings"][key]
    return read_container(document)


WEB: dict[str, Any] = {
    "Id": "0123456789abcdef" * 4,
    "Name": "/web-1",
    "State": {"Running": True, "Paused": False, "ExitCode": 0},
    "HostConfig": {"NetworkMode": "default"},
    "Config": {"Image": "registry:5000/shop/web:1.2", "Env": [], "Labels": {}, "ExposedPorts": {}},
    "NetworkSettings": {
        "Ports": {},
        "Networks": {"bridge": {"NetworkID": "f" * 64, "IPAddress": "172.17.0.9", "GlobalIPv6Address": ""}},
    },
}


def container(
    *ports: str,
    env: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    published: dict[str, tuple[str, int] | list[tuple[str, int]]] | None = None,
    networks: dict[str, str] | None = None,
    mode: str = "default",
    **parts: Any,
) -> Container:
    """A running container: `ports` are exposed, `published` maps a port to the host's address and port, or several."""
    document = copy.deepcopy({**WEB, **{key: value for key, value in parts.items() if key in WEB}})
    document["Config"] |= {key: value for key, value in parts.items() if key not in WEB}
    document["Config"]["ExposedPorts"] = {port: {} for port in ports}
    document["Config"]["Env"] = [f"{key}={value}" for key, value in (env or {}).items()]
    document["Config"]["Labels"] = labels or {}
    document["HostConfig"]["NetworkMode"] = mode
    document["NetworkSettings"]["Ports"] = dict.fromkeys(ports) | {
        port: [{"HostIp": address, "HostPort": str(number)} for address, number in one]
        for port, bound in (published or {}).items()
        for one in [bound if isinstance(bound, list) else [bound]]
    }
    if networks is not None:
        document["NetworkSettings"]["Networks"] = {name: {"IPAddress": ip} for name, ip in networks.items()}
    return read_container(document)


def read(made: Container, lender: Container | None = None, **fields: Any) -> ContainerServices:
    owner = network_owner(made, lambda _: lender)
    return read_services(made, settings(**{"internal": True, **fields}), owner)
