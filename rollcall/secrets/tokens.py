"""The ACL tokens of a fleet: all of them follow from one key, so that none need be kept by itself."""

import hashlib
import hmac
import uuid
from dataclasses import dataclass, field
from typing import Literal

# management  may do everything; it stays on the control machine but for the servers' configuration (initial_management)
# operator    what a person at `rollcall consul` or the UI may do: everything but ACLs
# auditor     reads the cluster's health and its ACLs: a deploy's look at what is there
# agent       a host's own node
# registrator the services of a host
# front       what consul-template reads
# templates   what the templates of the user's own read
# dns         what DNS answers from
Role = Literal["management", "operator", "auditor", "agent", "registrator", "front", "templates", "dns"]

# Any fixed one will do; it only keeps our ids apart from those others derive from the same secret.
_NAMESPACE = uuid.UUID("6f6c6c63-616c-4c00-8000-726f6c6c6361")


@dataclass(frozen=True)
class Tokens:
    """One generation of tokens.

    A token's secret is HMAC-SHA256 of its role and host under the key: from one secret nobody can tell another. Its
    accessor id, which is public, follows from the secret: a token in Consul with the right id has the right secret.
    """

    key: bytes = field(repr=False)

    def secret(self, role: Role, node: str = "") -> str:
        """Give a token's secret, a UUID as Consul wants it."""
        digest = hmac.digest(self.key, f"{role} {node}".encode(), hashlib.sha256)
        return str(uuid.UUID(bytes=digest[:16], version=4))

    def accessor(self, role: Role, node: str = "") -> str:
        """Give the id by which a token is spoken of."""
        return str(uuid.uuid5(_NAMESPACE, self.secret(role, node)))
