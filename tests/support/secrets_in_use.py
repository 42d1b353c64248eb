"""Which secrets the lab's agents accept."""

import json

from asking import Ask
from deployed import Fleet, wait_for

from rollcall.consul.keyring import LOST_RESPONSE
from rollcall.secrets.store import Secrets


def accepts(fleet: Fleet, token: str) -> bool:
    """Whether Consul knows a token."""
    [answer] = fleet.ask("consul1", [Ask("GET", "/v1/acl/token/self")], token)
    return "AccessorID" in answer.body


def handshake(fleet: Fleet, made: Secrets) -> bool:
    """Whether the HTTPS of app1's agent and an operator's certificate accept each other, from another host."""
    folder = "/run/rollcall-test"
    files = {
        "ca": made.authority,
        "crt": made.operator.certificate,
        "key": made.operator.key,
    }
    try:
        for name, text in files.items():
            fleet.on("app2", f"install -d -m 0700 {folder} && umask 077 && cat > {folder}/{name}", stdin=text)
        options = f"--cacert {folder}/ca --cert {folder}/crt --key {folder}/key"
        url = "https://client.dc1.consul:8501/v1/status/leader"
        resolved = "--resolve client.dc1.consul:8501:10.77.0.21"
        return "8300" in fleet.on("app2", f"curl -s {options} {resolved} {url}", check=False)
    finally:
        fleet.on("app2", f"rm -rf {folder}")


def keys(fleet: Fleet) -> set[str]:
    """Every gossip key that any agent still knows."""
    management = fleet.secrets().tokens.secret("management")

    def rings() -> str:
        [answer] = fleet.ask("consul1", [Ask("GET", "/v1/operator/keyring")], management, ["max-time = 30"])
        return "" if LOST_RESPONSE in answer.body else answer.body

    body = wait_for("response of every member", rings)
    return {key for ring in json.loads(body) for key in ring["Keys"]}
