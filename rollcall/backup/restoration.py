"""Bring a restored cluster and its hosts together again: rights, the fleet's lock, and what the agents register."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rollcall import waiting
from rollcall.backup import catalog_records
from rollcall.backup.consul_state import differences
from rollcall.backup.snapshot import Snapshot
from rollcall.config.fleet import Fleet, Member
from rollcall.config.inventory import Host
from rollcall.consul import acl, agent_queries, deploy_lock, members
from rollcall.consul.acl import AccessControl
from rollcall.consul.agent_client import OK, AgentClient, Request
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import path_segment
from rollcall.remote import parallel
from rollcall.secrets.tokens import Tokens

# The leader takes its office anew after a restore, and creates the management token again if the snapshot has another.
LEADER_TIMEOUT_SECONDS = 60.0
# An agent compares its services with the catalog every one to two minutes by itself.
CATALOG_TIMEOUT_SECONDS = 180.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Restoration:
    """A cluster right after its state was replaced.

    `leader` is the agent that replaced it; `hosts` are all hosts by inventory name. The tokens are those that the hosts
    use now, whatever the snapshot's were.
    """

    fleet: Fleet
    leader: AgentClient
    hosts: Mapping[str, Host]
    tokens: Tokens = field(repr=False)

    def fitting(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot without nodes that have another id now, as after their data was lost.

        Raises:
            RollcallError: it cannot be read.
        """
        now = {str(one["Name"]): str(one["Tags"].get("id", "")) for one in self.leader.read(members.PATH)}
        before = catalog_records.nodes(snapshot)
        return catalog_records.without(
            snapshot, [name for name, identity in before.items() if now.get(name, identity) != identity]
        )

    def wait_for_leader(self) -> None:
        """Wait until the leader accepts the management token again. Raises RollcallError: it does not."""
        own = Request("GET", "/v1/acl/token/self")
        if not waiting.until(lambda: self.leader.response(own).status == OK, stretched(LEADER_TIMEOUT_SECONDS)):
            raise RollcallError(
                "Consul restored the snapshot and does not accept the fleet's management token since: "
                f"{self.leader.response(own)}; run the same command again"
            )

    def converge_access(self, wanted: AccessControl) -> Sequence[str]:
        """Write the policies and tokens of the hosts, which the snapshot may not have; return what was written."""
        policies, tokens, own = self.leader.read_all(
            [agent_queries.POLICIES, agent_queries.TOKENS, "/v1/acl/token/self"]
        )
        due = acl.requests(wanted, acl.Listed(policies, tokens), str(own["AccessorID"]))
        self.leader.write(*(Request(request.method, request.path, request.body) for request in due))
        return [request.text for request in due]

    def release_lock(self) -> None:
        """End the session of a deploy that ran when the snapshot was taken."""
        lock = deploy_lock.read(self.leader.response(Request("GET", deploy_lock.PATH)).body)
        if lock and lock.session:
            self.leader.write(deploy_lock.release(lock.session))

    def compare_now(self) -> None:
        """Make every agent compare its services with the catalog at once, as it does for a token of another source.

        The reload first gives the token its usual source again, in case this ran before.
        """
        self._each(self._compare)

    def _compare(self, member: Member, agent: AgentClient) -> None:
        body = json.dumps({"Token": self.tokens.secret("agent", member.node)})
        agent.write(Request("PUT", "/v1/agent/reload"), Request("PUT", "/v1/agent/token/agent", body))

    def list_members(self) -> None:
        """Make the leader list every member in the catalog at once, as a new leader does; this one waits a minute."""
        if len(self.fleet.servers) > 1:
            self.leader.write(Request("POST", "/v1/operator/raft/transfer-leader"))
            self.wait_for_leader()

    def wait_for_catalog(self) -> None:
        """Wait until the catalog has the servers, and what the agents have. Raises RollcallError: it has not."""
        if not waiting.until(lambda: not (self._unlisted() or self.differences()), stretched(CATALOG_TIMEOUT_SECONDS)):
            raise RollcallError(
                f"after {stretched(CATALOG_TIMEOUT_SECONDS):g} s the catalog differs from the agents in "
                f"{', '.join([*self._unlisted(), *self.differences()])}; docker logs consul on these hosts"
            )

    def _unlisted(self) -> list[str]:
        try:
            listed = {str(one["Node"]) for one in self.leader.read("/v1/catalog/service/consul")}
        except RollcallError as problem:
            return [str(problem)]
        return [f"{server.name}: consul" for server in self.fleet.servers if server.node not in listed]

    def differences(self) -> list[str]:
        """Return where the catalog differs from what the agents have, in words."""
        return [f"{name}: {text}" for name, found in self._each(self._of_host).items() for text in found]

    def _of_host(self, member: Member, agent: AgentClient) -> list[str]:
        try:
            own = agent.read("/v1/agent/services")
            listed = self.leader.read(f"/v1/catalog/node/{path_segment(member.node)}")
        except RollcallError as problem:
            return [str(problem)]
        return differences(own, listed)

    def _each(self, act: Callable[[Member, AgentClient], Result]) -> dict[str, Result]:
        token = self.tokens.secret("management")
        members = [self.fleet.member(name) for name in self.hosts]
        results = parallel.on_each(members, lambda member: act(member, AgentClient(self.hosts[member.name], token)))
        return dict(zip(self.hosts, results, strict=True))
