"""Change the gossip keys of a running cluster through one of its agents."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import requests

from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError

# Every member responds by gossip, which takes a few seconds in a large cluster; longer means that a member is lost.
REQUEST_TIMEOUT_SECONDS = 30.0
# Queries and responses are single UDP packets. Consul reports a lost one with these words (serf/keymanager.go); every
# request is safe to repeat.
LOST_RESPONSE = "nodes reported success"
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0
# Serf's MemberStatus (serf/serf.go): a member that responds, and one that left gracefully.
ALIVE, LEFT = 1, 3


class Keyring:
    """The keys that every member has, and the primary key that they encrypt with."""

    def __init__(self, url: str, token: str) -> None:
        """Take the agent's URL, http://ADDRESS:PORT, and a token that may write the keyring."""
        self._url = url
        self._session = requests.Session()
        # Ignore the user's proxy and .netrc: the URL is the end of a tunnel.
        self._session.trust_env = False
        self._session.headers["X-Consul-Token"] = token

    def check_members(self, nodes: Iterable[str]) -> None:
        """Check that these hosts and all other members can receive a new key.

        Raises:
            RollcallError: one cannot; with the old key it could never rejoin.
        """
        status = {member["Name"]: member["Status"] for member in self._request("GET", "/v1/agent/members")}
        expected = {*nodes, *(node for node, member_status in status.items() if member_status != LEFT)}
        if absent := sorted(node for node in expected if status.get(node) != ALIVE):
            raise RollcallError(
                f"{', '.join(absent)} does not respond in the cluster, and could not rejoin with the old gossip key; "
                "bring it back, or remove it from the inventory and run `rollcall forget`"
            )

    def change(self, key: str) -> None:
        """Install a key on every member, and then make it the primary key."""
        self._request("POST", "/v1/operator/keyring", {"Key": key})
        self._request("PUT", "/v1/operator/keyring", {"Key": key})

    def keep_only(self, key: str) -> None:
        """Remove all other keys from every member."""
        for other in {other for ring in self._request("GET", "/v1/operator/keyring") for other in ring["Keys"]} - {key}:
            self._request("DELETE", "/v1/operator/keyring", {"Key": other})

    def _request(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        deadline = time.monotonic() + stretched(LONGEST_RETRY_SECONDS)
        while True:
            try:
                response = self._session.request(
                    method, self._url + path, json=body, timeout=stretched(REQUEST_TIMEOUT_SECONDS)
                )
            except requests.RequestException as problem:
                raise RollcallError(f"the Consul agent does not respond to {method} {path}: {problem}") from None
            if response.ok:
                return response.json() if response.content else None
            if LOST_RESPONSE not in response.text or time.monotonic() > deadline:
                raise RollcallError(f"Consul rejects {method} {path}: {response.text.strip()}")
            time.sleep(RETRY_SECONDS)
