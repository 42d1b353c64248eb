"""The gossip keys of a running cluster, changed through one of its agents while it gossips on."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import requests

from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError

# Every member answers by gossip; a large cluster needs a few seconds, and one that takes longer has lost somebody.
REQUEST_TIMEOUT_SECONDS = 30.0
# A question and its answers are single UDP packets. Consul says so of one that was lost (serf/keymanager.go), and the
# same question, or order, can be put again: every one of them is good to repeat.
LOST_RESPONSE = "nodes reported success"
RETRY_SECONDS = 1.0
# Serf's numbers (serf/serf.go, MemberStatus): a member that answers, and one that said goodbye.
ALIVE, LEFT = 1, 3


class Keyring:
    """The keys that every member has, and the one with which they encrypt."""

    def __init__(self, url: str, token: str) -> None:
        """Take where the agent answers, as http://ADDRESS:PORT, and a token that may write the keyring."""
        self._url = url
        self._session = requests.Session()
        # The user's proxy and .netrc are not meant for a tunnel's end.
        self._session.trust_env = False
        self._session.headers["X-Consul-Token"] = token

    def check_members(self, nodes: Iterable[str]) -> None:
        """See that everybody is there to hear of a new key: these hosts, and whoever else is a member.

        Raises:
            RollcallError: one is not; it could never come back with the old key.
        """
        status = {one["Name"]: one["Status"] for one in self._ask("GET", "/v1/agent/members")}
        expected = {*nodes, *(node for node, one in status.items() if one != LEFT)}
        if absent := sorted(node for node in expected if status.get(node) != ALIVE):
            raise RollcallError(
                f"{', '.join(absent)} does not answer in the cluster, and would be locked out with the old gossip key; "
                "bring it back, or take it out of the inventory and the cluster (consul force-leave)"
            )

    def change(self, key: str) -> None:
        """Make every member know a key, and then use it."""
        self._ask("POST", "/v1/operator/keyring", {"Key": key})
        self._ask("PUT", "/v1/operator/keyring", {"Key": key})

    def keep_only(self, key: str) -> None:
        """Make every member forget all others."""
        for other in {other for ring in self._ask("GET", "/v1/operator/keyring") for other in ring["Keys"]} - {key}:
            self._ask("DELETE", "/v1/operator/keyring", {"Key": other})

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        deadline = time.monotonic() + stretched(REQUEST_TIMEOUT_SECONDS)
        while True:
            try:
                answer = self._session.request(
                    method, self._url + path, json=body, timeout=stretched(REQUEST_TIMEOUT_SECONDS)
                )
            except requests.RequestException as problem:
                raise RollcallError(f"the Consul agent does not answer {method} {path}: {problem}") from None
            if answer.ok:
                return answer.json() if answer.content else None
            if LOST_RESPONSE not in answer.text or time.monotonic() > deadline:
                raise RollcallError(f"Consul refuses {method} {path}: {answer.text.strip()}")
            time.sleep(RETRY_SECONDS)
