"""Follow what Consul knows of its own servers and of the fleet's hosts; the front's token may read no more."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from rollcall.contract.status_document import CONSUL
from rollcall.front.http import InvalidMessageError, Response
from rollcall.front.inputs import consul
from rollcall.front.inputs.catalog import SERF_HEALTH, Catalog, Instance

INTERVAL_SECONDS = 5.0
# A check of a host has about 400 bytes.
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
# The first two need no rights at all, the last one those of the catalog. `operator = "read"` would tell voters from
# servers that are not, and everything else of the cluster besides; Raft's peers are those that vote or soon will.
LEADER, PEERS = "/v1/status/leader?stale", "/v1/status/peers?stale"
HOSTS = f"/v1/health/state/any?stale&filter=CheckID%3D%3D%22{SERF_HEALTH}%22"


@dataclass(frozen=True)
class Cluster:
    """Raft's leader and peers (address:port), and each host: whether Consul hears it. Nothing before the first read."""

    leader: str = ""
    peers: frozenset[str] = frozenset()
    hosts: Mapping[str, bool] = field(default_factory=dict)

    def leads(self, server: Instance) -> bool:
        """Whether this instance of Consul's own service is the leader."""
        return server.endpoint == self.leader

    def votes(self, server: Instance) -> bool:
        """Whether it is one of Raft's peers that may vote."""
        return server.endpoint in self.peers and dict(server.meta).get("read_replica") != "true"

    def leader_of(self, catalog: Catalog) -> str:
        """Return the leader's node; "" without one."""
        return next((one.node for one in catalog.instances if one.service == CONSUL and self.leads(one)), "")


def read(leader: str, peers: str, hosts: str) -> Cluster:
    """Read Consul's three responses.

    Raises:
        ValueError: one of them is of another form.
    """
    try:
        alive = {str(row["Node"]): row["Status"] != "critical" for row in json.loads(hosts)}
        return Cluster(str(json.loads(leader)), frozenset(map(str, json.loads(peers))), alive)
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a response of Consul: {error!r}") from error


class Followed:
    """The cluster as it was read last."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.cluster = Cluster()

    async def follow(self, address: Callable[[], str], token: Path) -> None:
        """Read it every few seconds. While Consul does not respond (a problem of its own), the last one stays."""
        while True:
            found = await look(address(), token)
            if found and found != self.cluster:
                self.cluster = found
            await asyncio.sleep(INTERVAL_SECONDS)


async def look(address: str, token: Path) -> Cluster | None:
    """Read the cluster once; None if Consul does not respond as expected."""
    secret = consul.read_token(token)
    try:
        async with asyncio.timeout(consul.RESPONSE_TIMEOUT_SECONDS):
            paths = (LEADER, PEERS, HOSTS)
            return read(*[_body(await consul.request(address, path, secret, MAX_RESPONSE_BYTES)) for path in paths])
    except (OSError, InvalidMessageError, ValueError):
        return None


def _body(response: Response) -> str:
    if response.status != HTTPStatus.OK:
        raise ValueError(response.status)
    return response.body.decode()
