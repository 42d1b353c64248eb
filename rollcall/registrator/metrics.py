"""What the registrator counts about itself, as Prometheus reads it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# In seconds, around the 60 ms that a start should take at most from Docker's event to Consul's answer.
BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One process's counters. Its registry is its own, so that two in one process do not add up."""

    def __init__(self) -> None:
        """Everything is zero."""
        self._registry = CollectorRegistry()
        self.events = Counter(
            "registrator_events", "Docker events that concern containers.", ["change"], registry=self._registry
        )
        self.writes = Counter(
            "registrator_writes", "Writes that Consul's agent took.", ["kind"], registry=self._registry
        )
        self.failures = Counter(
            "registrator_failures", "Requests that failed, by who failed.", ["at"], registry=self._registry
        )
        self.latency = Histogram(
            "registrator_event_to_consul_seconds",
            "From the time in Docker's event to the answer of Consul's agent to the write that follows.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.services = Gauge("registrator_services", "Services that should be registered.", registry=self._registry)
        for at in ("docker", "consul", "refused"):
            self.failures.labels(at)
        for kind in ("register", "deregister", "health"):
            self.writes.labels(kind)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)
