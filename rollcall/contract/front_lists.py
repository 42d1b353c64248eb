"""Read from a front's status document which instances its nginx sends requests to."""

import json
import shlex
from collections.abc import Collection

STATUS = shlex.join(["docker", "exec", "front", "front", "status"])


def listed(output: str, node: str, identities: Collection[str]) -> frozenset[str]:
    """Return those of a node's instances that are in nginx's list.

    Raises:
        ValueError: the output is not a status document.
    """
    try:
        instances = [instance for service in json.loads(output)["services"] for instance in service["instances"]]
        return frozenset(
            instance["id"]
            for instance in instances
            if instance["node"] == node and instance["listed_since"] and instance["id"] in identities
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a front's status document: {error} is missing") from None
