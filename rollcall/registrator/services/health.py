"""Turn a container's HEALTHCHECK into a Consul check that the registrator reports. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

# After this time without a report Consul turns the check critical: enough for an upgrade of the registrator, short
# enough that a lost registrator does not keep services passing.
TTL_SECONDS = 600
# Between reports of an unchanged status: two may fail. The agent does not sync an unchanged report to the catalog
# (agent/local: State.UpdateCheck), so it costs no raft write.
CONFIRM_SECONDS = 180
# In characters. The agent cuts a note at 4096 bytes, and every comparison would then find a difference.
MAX_NOTE_LENGTH = 1000

PASSING, CRITICAL = "passing", "critical"
# The health of a container without HEALTHCHECK; most engines omit State.Health instead.
NO_CHECK = ("", "none")


@dataclass(frozen=True)
class Health:
    """The check's status in Consul's words, and the HEALTHCHECK's last output."""

    status: str
    note: str = ""


def read_health(fields: Mapping[str, object]) -> Health | None:
    """Parse `State.Health` of an inspect document; None without a HEALTHCHECK. Never raises.

    Only `healthy` passes: a starting container may not serve yet.
    """
    state = fields.get("Status")
    if not isinstance(state, str) or state in NO_CHECK:
        return None
    return Health(PASSING if state == "healthy" else CRITICAL, _last_output(fields.get("Log")))


def check_id(service_id: str) -> str:
    """Return the id of the HEALTHCHECK's check."""
    return f"docker-health:{service_id}"


def definition(service_id: str, health: Health) -> dict[str, str]:
    """Return the check to register with the service, so that it gets no requests before its health is known."""
    return {
        "CheckID": check_id(service_id),
        "Name": "Docker HEALTHCHECK",
        "TTL": f"{TTL_SECONDS}s",
        "Status": health.status,
    }


def _last_output(log: object) -> str:
    last = log[-1] if isinstance(log, list) and log else None
    output = last.get("Output") if isinstance(last, Mapping) else None
    if not isinstance(output, str):
        return ""
    # Consul would replace half a character at the end of a cut log.
    return output.strip()[:MAX_NOTE_LENGTH].encode(errors="replace").decode()
