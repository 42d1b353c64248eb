"""Which instances a front's nginx is sending requests to, by the front's own status document."""

import json
import shlex
from collections.abc import Collection

STATUS = shlex.join(["docker", "exec", "front", "front", "status"])


def listed(output: str, node: str, identities: Collection[str]) -> frozenset[str]:
    """Give those of a node's instances that are in nginx's list.

    Raises:
        ValueError: the output is no status document.
    """
    try:
        instances = [one for service in json.loads(output)["services"] for one in service["instances"]]
        return frozenset(
            one["id"] for one in instances if one["node"] == node and one["listed_since"] and one["id"] in identities
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no status document of a front: {error}") from None
