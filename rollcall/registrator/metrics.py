"""The registrator's Prometheus metrics."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rollcall.registrator.docker.events import Change

# In seconds, around the target of 60 ms from Docker's event to Consul's response.
BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Metrics in a registry of their own, so that two instances in one process do not add up."""

    def __init__(self) -> None:
        """Start at zero."""
        self._registry = CollectorRegistry()
        # Each by its label's value: to look a child up costs more than to count.
        self.events = self._counters(
            "registrator_events", "Docker events of containers.", "change", [change.value for change in Change]
        )
        self.writes = self._counters(
            "registrator_writes", "Successful writes to Consul's agent.", "kind", ["register", "deregister", "health"]
        )
        self.failures = self._counters(
            "registrator_failures", "Failed requests, by the failing side.", "at", ["docker", "consul", "refused"]
        )
        self.latency = Histogram(
            "registrator_event_to_consul_seconds",
            "From the time in Docker's event to the agent's response to the resulting write.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.services = Gauge("registrator_services", "Desired services.", registry=self._registry)

    def _counters(self, name: str, documentation: str, label: str, values: Iterable[str]) -> dict[str, Counter]:
        counter = Counter(name, documentation, [label], registry=self._registry)
        return {value: counter.labels(value) for value in values}

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
