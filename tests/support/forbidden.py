"""Requests that nobody may make who has no right to: what they are, and how Consul refuses."""

import json
from collections.abc import Sequence

from asking import Ask
from stranger import ADDRESS

from rollcall.consul.curl import Response

# How Consul refuses what belongs to the service mesh, to everybody.
NO_MESH = "Connect must be enabled in order to use this endpoint"
KEY = '{"Key": "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="}'
SERVICE = '{"ID": "evil", "Name": "webserver-80", "Address": "10.77.0.99", "Port": 80}'
OTHERS_SERVICE = f'{{"Node": "app2", "Address": "10.77.0.22", "SkipNodeUpdate": true, "Service": {SERVICE}}}'

READS = (
    *("/v1/catalog/nodes", "/v1/catalog/services", "/v1/catalog/service/nginx-80", "/v1/catalog/node/app1"),
    *("/v1/health/state/any", "/v1/health/service/nginx-80", "/v1/health/node/app1", "/v1/health/checks/nginx-80"),
    *("/v1/catalog/node-services/app1", "/v1/internal/ui/nodes", "/v1/internal/ui/services", "/v1/coordinate/nodes"),
    *("/v1/agent/members", "/v1/agent/services", "/v1/agent/checks", "/v1/session/list", "/v1/event/list"),
    *("/v1/kv/rollcall/front", "/v1/kv/?recurse", "/v1/kv/?keys", "/v1/internal/ui/node/app1"),
)
# Reads of the agent and the cluster themselves.
INSIDE = (
    *("/v1/agent/self", "/v1/agent/host", "/v1/agent/metrics", "/v1/agent/monitor", "/debug/pprof/heap"),
    *("/v1/operator/raft/configuration", "/v1/operator/keyring", "/v1/operator/autopilot/health", "/v1/operator/usage"),
    *("/v1/acl/tokens", "/v1/acl/policies", "/v1/acl/roles", "/v1/snapshot", "/v1/internal/ui/catalog-overview"),
)
# Writes of the catalog, by which one host could speak for another.
CATALOG = (
    Ask("PUT", "/v1/catalog/register", OTHERS_SERVICE),
    Ask("PUT", "/v1/catalog/register", f'{{"Node": "evil", "Address": "{ADDRESS}"}}'),
    Ask("PUT", "/v1/catalog/deregister", '{"Node": "app2", "ServiceID": "app2:nginx-1:80"}'),
    Ask("PUT", "/v1/catalog/deregister", '{"Node": "app2"}'),
    Ask("PUT", "/v1/txn", f'[{{"Service": {{"Verb": "set", "Node": "app2", "Service": {SERVICE}}}}}]'),
    Ask("PUT", "/v1/txn", '[{"KV": {"Verb": "set", "Key": "rollcall/front", "Value": "MQ=="}}]'),
)
# Bodies by which Consul 1.22 ends, before it looks at any right.
DEADLY = (
    Ask("PUT", "/v1/coordinate/update", '{"Node": "app1"}'),
    Ask("POST", "/v1/query", "null"),
    Ask("PUT", "/v1/config", '{"Kind": "service-intentions", "Name": "evil", "Sources": [null]}'),
    Ask("PUT", "/v1/catalog/register", '{"Node": "app2", "Address": "10.77.0.22", "Checks": [null]}'),
)
WRITES = (
    *CATALOG,
    *DEADLY,
    Ask("PUT", "/v1/kv/evil", "1"),
    Ask("PUT", "/v1/kv/rollcall/front", "1"),
    Ask("PUT", "/v1/kv/rollcall/front/canary/nginx-80", '{"evil": 100}'),
    Ask("PUT", "/v1/kv/rollcall/front/maintenance/_/", "evil"),
    Ask("DELETE", "/v1/kv/?recurse"),
    # Remote exec is a key, a session and an event.
    Ask("PUT", "/v1/kv/_rexec/evil/job", '{"Command": "id"}'),
    Ask("PUT", "/v1/session/create", "{}"),
    Ask("PUT", "/v1/event/fire/_rexec", '{"Prefix": "_rexec", "Session": "evil"}'),
    Ask("PUT", "/v1/agent/check/register", '{"Name": "evil", "TTL": "10s"}'),
    Ask("PUT", "/v1/agent/join/10.77.0.99"),
    Ask("PUT", "/v1/agent/leave"),
    Ask("PUT", "/v1/agent/force-leave/app2?prune=true"),
    Ask("PUT", "/v1/agent/maintenance?enable=true"),
    Ask("PUT", "/v1/agent/reload"),
    Ask("PUT", "/v1/agent/token/agent", '{"Token": "evil"}'),
    Ask("PUT", "/v1/acl/bootstrap"),
    Ask("PUT", "/v1/acl/token", '{"Policies": [{"Name": "global-management"}]}'),
    Ask("PUT", "/v1/acl/policy", '{"Name": "evil", "Rules": "acl = \\"write\\""}'),
    Ask("PUT", "/v1/acl/role", '{"Name": "evil"}'),
    Ask("POST", "/v1/acl/login", '{"AuthMethod": "evil", "BearerToken": "evil"}'),
    Ask("POST", "/v1/operator/keyring", KEY),
    Ask("PUT", "/v1/operator/keyring", KEY),
    Ask("DELETE", "/v1/operator/keyring", KEY),
    Ask("DELETE", "/v1/operator/raft/peer?address=10.77.0.13:8300"),
    Ask("POST", "/v1/operator/raft/transfer-leader"),
    Ask("PUT", "/v1/operator/autopilot/configuration", '{"CleanupDeadServers": false}'),
    Ask("PUT", "/v1/snapshot", "evil"),
    Ask("PUT", "/v1/connect/ca/configuration", '{"Provider": "consul"}'),
    Ask("PUT", "/v1/connect/intentions/exact?source=*&destination=*", '{"Action": "deny"}'),
    Ask("POST", "/v1/peering/token", '{"PeerName": "evil"}'),
    Ask("PUT", "/v1/config", '{"Kind": "service-resolver", "Name": "nginx-80", "Redirect": {"Service": "evil"}}'),
    Ask("DELETE", "/v1/config/service-defaults/nginx-80"),
)
# What only concerns the services of the agent that is asked, as a registrator may.
OWN_SERVICES = (
    Ask("PUT", "/v1/agent/service/register", SERVICE),
    Ask("PUT", "/v1/agent/service/register", '{"ID": "evil", "Name": "consul", "Port": 8300}'),
    Ask("GET", "/v1/agent/connect/ca/leaf/nginx-80"),
)


def nothing(body: str) -> bool:
    """Tell whether an answer holds nothing, however Consul writes that."""
    if not body:
        return True
    try:
        found = json.loads(body)
    except ValueError:
        return False
    return not found or (isinstance(found, dict) and not any(found.values()))


def allowed(asks: Sequence[Ask], found: Sequence[Response]) -> list[str]:
    """Name the requests that were not refused in so many words."""
    pairs = zip(asks, found, strict=True)
    return [f"{ask}: {response.status} {response.body[:200]}" for ask, response in pairs if not _refused(ask, response)]


def _refused(ask: Ask, answer: Response) -> bool:
    if NO_MESH in answer.body:
        return answer.status == 500
    # A server cuts the connection of a snapshot that is refused, and may be faster with that than with its sentence.
    cut = ask.path == "/v1/snapshot" and answer.status == 500 and "connection reset by peer" in answer.body
    return answer.status == 403 or cut


def shown(asks: Sequence[Ask], found: Sequence[Response]) -> list[str]:
    """Name the reads that gave anything."""
    pairs = zip(asks, found, strict=True)
    return [
        f"{ask}: {response.status} {response.body[:200]}"
        for ask, response in pairs
        if response.status != 403 and not (response.status in (200, 404) and nothing(response.body))
    ]
