"""A container whose HEALTHCHECK reports what the test writes, and Consul's view of it."""

from docker.models.containers import Container
from registrator_world import Agent

SECOND = 1_000_000_000
HEALTHCHECK = {
    "test": ["CMD-SHELL", "echo reads $(cat /health) && grep -q yes /health"],
    "interval": SECOND // 2,
    "timeout": 5 * SECOND,
    "retries": 1,
}


def says(container: Container, answer: str) -> None:
    assert container.exec_run(["sh", "-c", f"echo {answer} > /health"]).exit_code == 0


def health(agent: Agent, name: str) -> tuple[str, str] | None:
    """Status and output of the check that the registrator keeps, as the catalog has them."""
    checks = [check for check in agent.checks(name) if check["CheckID"].startswith("docker-health:")]
    return (checks[0]["Status"], checks[0]["Output"]) if checks else None
