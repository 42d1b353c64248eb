"""A container's HEALTHCHECK as a Consul check that the registrator keeps. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

# Consul turns a check critical that nobody has confirmed for so long. Long enough for an upgrade of the registrator,
# short enough that a registrator that is gone for good does not vouch for anybody for ever. In seconds.
TTL = 600
# How often a status that has not changed is confirmed, in seconds: twice may fail. The agent keeps a confirmation to
# itself when status and note are what it has already (agent/local: State.UpdateCheck), so it costs no raft write.
CONFIRM = 180
# Of a note, in characters. The agent cuts at 4096 bytes, which is four for each of these, and would then show
# something else than was sent, so that every comparison found a difference.
NOTE = 1000

PASSING, CRITICAL = "passing", "critical"
# What an engine calls the health of a container that has no HEALTHCHECK; most leave State.Health out instead.
NO_CHECK = ("", "none")


@dataclass(frozen=True)
class Health:
    """The status of the check as Consul words it, and the last output of the container's own health check."""

    status: str
    note: str = ""


def read_health(fields: Mapping[str, object]) -> Health | None:
    """Read `State.Health` of an inspect document; None without a HEALTHCHECK. Never raises.

    Only `healthy` passes: a container that is still starting has not yet said that it can serve.
    """
    state = fields.get("Status")
    if not isinstance(state, str) or state in NO_CHECK:
        return None
    return Health(PASSING if state == "healthy" else CRITICAL, _last_output(fields.get("Log")))


def check_id(service_id: str) -> str:
    """The id of a service's check that the registrator keeps."""
    return f"docker-health:{service_id}"


def definition(service_id: str, health: Health) -> dict[str, str]:
    """The check as the agent takes it with the service, so that none is routed to before its health is known."""
    return {
        "CheckID": check_id(service_id),
        "Name": "Docker HEALTHCHECK",
        "TTL": f"{TTL}s",
        "Status": health.status,
    }


def _last_output(log: object) -> str:
    last = log[-1] if isinstance(log, list) and log else None
    output = last.get("Output") if isinstance(last, Mapping) else None
    if not isinstance(output, str):
        return ""
    # Half a character, as a log that was cut may hold it, comes back from Consul as something else.
    return output.strip()[:NOTE].encode(errors="replace").decode()
