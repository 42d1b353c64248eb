"""Guard the steps by which Consul's agents restart: a snapshot first, then only while cluster and fronts bear it."""

import json
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import State
from typing_extensions import override

from rollcall.components.consul import OWNER
from rollcall.consul import leader, servers
from rollcall.consul.agent_client import Request
from rollcall.consul.agent_queries import HEALTH, command
from rollcall.contract import local_agent
from rollcall.contract.problems import KINDS
from rollcall.contract.timeouts import stretched
from rollcall.deploy import callbacks
from rollcall.deploy.consul import agent_requests
from rollcall.deploy.readiness import Readiness
from rollcall.program_output import reason

SNAPSHOT_TIMEOUT_SECONDS = 300
KEPT = 5
QUORUM = 3
# Another container of the same image reads the file again and compares its digests: the agent's own /tmp is small.
_SAVE = r"""
set -eu
umask 077
IFS= read -r token
directory={directory}
file=$directory/before-{version}-$(date -u +%Y-%m-%dT%H%M%SZ).snapshot
install -d -m 0700 -o {user} -g {group} "$directory"
rm -f "$directory"/before-*.snapshot.part
trap 'rm -f "$file.part"' EXIT
printf 'X-Consul-Token: %s\n' "$token" |
  docker exec -i consul curl -sS --fail --max-time {seconds:g} -H @- {url}/v1/snapshot >"$file.part"
docker run --rm --pull never --network none --user 0:0 -e SERVICE_IGNORE=true -v "$directory:$directory:ro" \
  --entrypoint consul "$(docker inspect --format '{{{{.Image}}}}' consul)" snapshot inspect "$file.part" >/dev/null
chown {user}:{group} "$file.part"
mv "$file.part" "$file"
ls "$directory" | grep '^before-.*\.snapshot$' | sort -t- -k3 -r | tail -n +{first_gone} |
  while read -r old; do rm -f "$directory/$old"; done
echo "$file"
"""
_FRONT_STATUS = "docker exec front front status 2>/dev/null"
_OUTAGES = frozenset(kind for kind, its in KINDS.items() if its.severity == "outage")


def tolerates(health: str, node: str, every: int) -> str:
    """Return why a server must not restart now, or "".

    Args:
        health: the body of /v1/operator/autopilot/health.
        node: the server's node name.
        every: how many servers the fleet has; fewer than three bear no loss at any time.
    """
    found = servers.by_name(health)
    own = (found or {}).get(node)
    if found is None or own is None or not own.get("Healthy") or every < QUORUM:
        # Without a leader, or with this server ill, its restart costs nothing and may be the cure.
        return ""
    if int(json.loads(health).get("FailureTolerance", 0)) >= 1:
        return ""
    ill = sorted(name for name, server in found.items() if not server.get("Healthy"))
    named = f", since {', '.join(ill)} is not healthy" if ill else ""
    return f"Consul bears the loss of no server now{named}; the restart of {node} would cost the quorum"


@dataclass
class Fronts:
    """What the fronts of a run cannot serve: nothing more than before the first restart."""

    names: Collection[str]
    before: dict[str, frozenset[str]] = field(default_factory=dict)

    def worse(self, state: State) -> list[str]:
        """Return the outages that a front did not have at the first look."""
        found = {host.name: _outages(host) for host in state.active_hosts if host.name in self.names}
        for name, outages in found.items():
            self.before.setdefault(name, outages)
        return [f"{name}: {text}" for name, its in sorted(found.items()) for text in sorted(its - self.before[name])]


def _outages(host: Host) -> frozenset[str]:
    _, output = callbacks.run(host, _FRONT_STATUS)
    try:
        problems = json.loads(output.stdout)["problems"]
        return frozenset(str(one["subject"] or one["text"]) for one in problems if one["kind"] in _OUTAGES)
    except (ValueError, KeyError, TypeError):
        return frozenset()  # a front that is still to be deployed, or of another version


class MayRestart(Readiness):
    """An agent may restart: its cluster bears the loss of this server, and the fronts serve as before."""

    def __init__(self, node: str, every: int, fronts: Fronts, deadline: float) -> None:
        """Take the server's node name, "" for a client, and how many servers there are."""
        super().__init__(deadline)
        self._node, self._every, self._fronts = node, every, fronts

    @override
    def missing(self, host: Host) -> list[str]:
        reasons = self._fronts.worse(host.state)
        if self._node:
            _, output = callbacks.run(host, command(HEALTH))
            reasons += [why] if (why := tolerates(output.stdout, self._node, self._every)) else []
        return reasons


def leads(host: Host, address: str) -> bool:
    """Whether a host's server leads, by its own agent."""
    return _leader(host) == address


def _leader(host: Host) -> str:
    """Return the leader's address, by a host's own agent; "" without one."""
    [response] = agent_requests.responses(host, [Request("GET", leader.PATH)], "")
    return leader.address(response.body)


@dataclass(frozen=True)
class Snapshot:
    """Save Consul's state on its leader's host before its version changes.

    `addresses` are the servers' by inventory name, `directories` those for snapshots.
    """

    version: str
    addresses: Mapping[str, str]
    directories: Mapping[str, str]
    management: str = field(repr=False)

    def __call__(self, state: State, host: Host) -> bool:
        """Save it; return False and log the reason on failure, as pyinfra expects of a function."""
        address = _leader(host)
        if not address:
            logger.warning(f"{host.print_prefix}Consul has no leader, and gives no snapshot before the upgrade")
            return True
        name = next((name for name, own in self.addresses.items() if own == address), "")
        led = next((one for one in state.active_hosts if one.name == name), None)
        if led is None:
            logger.error(f"{host.print_prefix}this run does not include Consul's leader, {name or address}")
            return False
        done, output = callbacks.run(led, self._command(name), f"{self.management}\n")
        if done:
            logger.info(f"{led.print_prefix}Consul's state of before the upgrade is in {output.stdout.strip()}")
        else:
            why = reason(output.stderr) or "no reason"
            logger.error(f"{led.print_prefix}Consul's state could not be saved before the upgrade: {why}")
        return done

    def _command(self, name: str) -> str:
        user, group = OWNER.split(":")
        script = _SAVE.format(
            directory=shlex.quote(self.directories[name]),
            version=shlex.quote(self.version),
            user=user,
            group=group,
            seconds=stretched(SNAPSHOT_TIMEOUT_SECONDS),
            url=local_agent.URL,
            first_gone=KEPT + 1,
        )
        return f"sh -c {shlex.quote(script)}"
