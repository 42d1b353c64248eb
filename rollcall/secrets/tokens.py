"""Derive a fleet's ACL tokens from one key, so that none is stored by itself."""

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field
from typing import Literal

# management  everything; only on the control machine and in the servers' configuration (initial_management)
# operator    users of `rollcall consul` and the UI: everything except ACLs
# auditor     deploys: reads the cluster's health, its ACLs and the lock
# agent       a host's own node
# registrator the services of a host
# front       what the front's consul-template reads
# acme        the ACME program of a host: its keys, and a session
# scheduler   the keys of a host's jobs, and sessions
# templates   what users' own templates read
# dns         what DNS responses contain
Role = Literal[
    "management", "operator", "auditor", "agent", "registrator", "front", "acme", "scheduler", "templates", "dns"
]

# Any fixed namespace works; it separates our ids from those that others derive from the same secret.
_NAMESPACE = uuid.UUID("6f6c6c63-616c-4c00-8000-726f6c6c6361")


@dataclass(frozen=True)
class Tokens:
    """One generation of tokens.

    A token's secret is HMAC-SHA256 of its role and host under the key: one secret does not reveal another. Its accessor
    id, which is public, is derived from the secret: a token in Consul with the right id has the right secret.
    """

    key: bytes = field(repr=False)

    def secret(self, role: Role, node: str = "") -> str:
        """Return a token's secret, a UUID as Consul requires."""
        digest = hmac.digest(self.key, f"{role} {node}".encode(), hashlib.sha256)
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def accessor(self, role: Role, node: str = "") -> str:
        """Return a token's public accessor id."""
        return str(uuid.uuid5(_NAMESPACE, self.secret(role, node)))
