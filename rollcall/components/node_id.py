"""Choose the node id of a client's Consul agent, which must outlive the agent's data.

Consul keeps a node's name for its id: an agent that lost its data and comes back under a new one, before anybody has
noticed that it was gone, can register nothing any more. A server needs a new id: the others must not take it for the
one that had a vote and a log.
"""

import json
import uuid

from rollcall.config.fleet import Member
from rollcall.converge.resources import File

NAME = "12-node.json"
PATH = f"/etc/rollcall/consul/{NAME}"
# The id that was deployed; else the one in the data of an agent that was deployed without.
PROBE = f"""\
cat {PATH} 2>/dev/null ||
  cat "$(docker volume inspect --format '{{{{.Mountpoint}}}}' consul-data 2>/dev/null)/node-id" 2>/dev/null
"""
_NAMESPACE = uuid.UUID("3b0f6f3e-6f0a-4a3f-9d2c-7c1d5b8e2a41")


def read(output: str) -> str:
    """Return the id in PROBE's output, or "" if the host has none."""
    text = output.strip()
    try:
        found = json.loads(text)["node_id"] if text.startswith("{") else text
        return str(uuid.UUID(found))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def file(member: Member, known: str, fleet: str, owner: str) -> File:
    """Return the file with the node id of a client.

    Args:
        member: the host.
        known: the id that it has already; "" on a new host.
        fleet: what tells the fleet from others.
        owner: the user and group of the agent.
    """
    identity = known or str(uuid.uuid5(_NAMESPACE, f"{fleet}/{member.node}"))
    return File(PATH, json.dumps({"node_id": identity}) + "\n", 0o600, owner)
