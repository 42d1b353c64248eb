"""Take Consul's snapshot through the leader's own agent, put one back, and see what agents and catalog hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.remote.tunnel import Endpoint

PATH = "/v1/snapshot"
# Consul reads its whole state for it; a large one takes some seconds.
SNAPSHOT_TIMEOUT_SECONDS = 120.0
OK = 200


@dataclass(frozen=True)
class ConsulState:
    """The state of a cluster, by an agent's endpoint on this machine and a management token."""

    endpoint: Endpoint
    token: str = field(repr=False)

    def save(self) -> bytes:
        """Return a consistent snapshot. Raises RollcallError: Consul gives none."""
        return self._request("GET").content

    def restore(self, data: bytes) -> None:
        """Replace the whole state by a snapshot's. Raises RollcallError: Consul refuses it."""
        self._request("PUT", data)

    def _request(self, method: str, data: bytes | None = None) -> requests.Response:
        url = "http://{}:{}".format(*self.endpoint) + PATH
        with requests.Session() as session:
            # A tunnel's end on this machine must not go through the machine's HTTP proxy.
            session.trust_env = False
            try:
                response = session.request(
                    method,
                    url,
                    data=data,
                    headers={"X-Consul-Token": self.token},
                    timeout=stretched(SNAPSHOT_TIMEOUT_SECONDS),
                )
            except requests.RequestException as problem:
                raise RollcallError(f"Consul's leader does not respond to {method} {PATH}: {problem}") from None
        if response.status_code != OK:
            raise RollcallError(f"Consul refuses {method} {PATH}: {response.text.strip() or response.status_code}")
        return response


def differences(agent: Mapping[str, Any], catalog: Mapping[str, Any] | None) -> list[str]:
    """Return the services that an agent has and the catalog does not, or the other way round.

    Args:
        agent: the response to /v1/agent/services.
        catalog: the response to /v1/catalog/node/NODE; None if it has no such node.
    """
    own = {_place(service) for service in agent.values()}
    listed = {_place(service) for service in _services(catalog) if service["Service"] != "consul"}
    return sorted(f"{identity} ({address}:{port})" for identity, address, port in own ^ listed)


def _services(catalog: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    return ((catalog or {}).get("Services") or {}).values()


def _place(service: Mapping[str, Any]) -> tuple[str, str, int]:
    return str(service["ID"]), str(service.get("Address") or ""), int(service.get("Port") or 0)
