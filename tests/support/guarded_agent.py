"""A Consul agent that lets nobody in without a token, and what the registrator's token should allow."""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import consul
from registrator_world import Agent

from rollcall.components.template_files import render

MANAGEMENT = "11111111-2222-3333-4444-555555555555"
FLEETS_POLICY = render("consul/policies/registrator.hcl.j2", node="test")
SMALLEST_POLICY = 'service_prefix "" { policy = "write" }'


class Guarded(Agent):
    """An agent with ACLs. `token` is the management's, for the test's own eyes."""

    def __init__(self, binary: Path, folder: Path) -> None:
        tokens = {"initial_management": MANAGEMENT, "agent": MANAGEMENT}
        addresses = {"http": f"127.0.0.1 unix://{folder / 'consul.sock'}"}
        acl = {"enabled": True, "default_policy": "deny", "tokens": tokens}
        # What an agent writes at its own time would be taken for what a test has caused.
        quiet = {"disable_coordinates": True, "check_update_interval": "0s"}
        super().__init__(binary, folder, acl=acl, addresses=addresses, log_level="info", **quiet)
        self.token = MANAGEMENT

    def allow(self, rules: str, secret: str = "") -> str:
        """Make a token with a policy of its own, and give its secret."""
        name = f"policy-{uuid.uuid4()}"
        self._put("/v1/acl/policy", {"Name": name, "Rules": rules})
        secret = secret or str(uuid.uuid4())
        self._put("/v1/acl/token", {"SecretID": secret, "Policies": [{"Name": name}]})
        return secret

    def forbid(self, secret: str) -> None:
        accessor = self.api.acl.token.read_self(token=secret)["AccessorID"]
        self.api.acl.token.delete(accessor)

    def written(self, container: str) -> list[str]:
        """What the agent has brought to the catalog of a container: services and checks, in its own log's words.

        Others on the same engine come and go meanwhile. The raft log itself says less: every minute the leader writes
        to it for its own sake.
        """
        log = (self.folder / "agent.log").read_text()
        return re.findall(rf"Synced (?:service|check): .*:{re.escape(container)}:.*", log)

    def _put(self, path: str, body: dict[str, object]) -> None:
        self._ask(self.api.http.put, path, data=json.dumps(body))

    def _ask(self, method: Callable[..., Any], path: str, **options: Any) -> Any:
        return method(consul.callback.CB.json(), path, headers={"X-Consul-Token": MANAGEMENT}, **options)
