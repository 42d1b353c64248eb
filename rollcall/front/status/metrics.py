"""Write the status document in Prometheus' format."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from rollcall.contract.problems import KINDS
from rollcall.contract.status_document import Document
from rollcall.front import VERSION

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SERVER = ("service", "instance", "node", "address")
# stub_status: gauges, and counters since nginx started.
CONNECTION_STATES = ("active", "reading", "writing", "waiting")
CONNECTIONS_COUNTED = ("accepted", "handled")


def metrics(document: Document) -> bytes:
    """Return the document in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(document))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, document: Document) -> None:
        self._document = document

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("rollcall_front_build", "Version of the front.", value={"version": VERSION})
        yield from _instances(self._document)
        yield from _generation(self._document)
        yield from _health(self._document)
        yield from _certificates(self._document)
        yield from _backups(self._document)
        yield from _connections(self._document)


def _instances(document: Document) -> Iterator[Metric]:
    requests = CounterMetricFamily("rollcall_front_requests", "Tries with an instance.", labels=SERVER)
    errors = CounterMetricFamily("rollcall_front_errors", "Tries without a response, or with a 5xx.", labels=SERVER)
    seconds = CounterMetricFamily("rollcall_front_seconds", "Seconds that tries took.", labels=SERVER)
    received = CounterMetricFamily("rollcall_front_stream_received_bytes", "Bytes from clients.", labels=SERVER)
    sent = CounterMetricFamily("rollcall_front_stream_sent_bytes", "Bytes to clients.", labels=SERVER)
    opened = GaugeMetricFamily("rollcall_front_stream_open_connections", "Open connections now.", labels=SERVER)
    listed = GaugeMetricFamily("rollcall_front_listed", "1 if nginx passes requests to it.", labels=SERVER)
    weight = GaugeMetricFamily("rollcall_front_weight", "Its weight in nginx's list, or else in Consul.", labels=SERVER)
    versions = InfoMetricFamily("rollcall_front_instance", "The version of an instance that names one.", labels=SERVER)
    share = GaugeMetricFamily("rollcall_front_share", "Its part of its upstream's requests, 0 to 1.", labels=SERVER)
    for service in document["services"]:
        for instance in service["instances"]:
            labels = (service["name"], instance["id"], instance["node"], instance["address"])
            requests.add_metric(labels, instance["requests"])
            errors.add_metric(labels, instance["errors"])
            seconds.add_metric(labels, instance["seconds"])
            if instance["received"] or instance["sent"]:
                received.add_metric(labels, instance["received"])
                sent.add_metric(labels, instance["sent"])
            if instance["open"] is not None:
                opened.add_metric(labels, instance["open"])
            listed.add_metric(labels, instance["share"] is not None)
            weight.add_metric(labels, instance["weight"])
            share.add_metric(labels, instance["share"] or 0)
            if instance["version"]:
                versions.add_metric(labels, {"version": instance["version"]})
    yield from (requests, errors, seconds, received, sent, opened, listed, weight, share, versions)


def _generation(document: Document) -> Iterator[Metric]:
    generation = document["generation"]
    yield GaugeMetricFamily(
        "rollcall_front_generation", "Number of the configuration that nginx serves.", generation["number"]
    )
    yield CounterMetricFamily("rollcall_front_reloads", "Reloads of nginx.", generation["reloads"])
    yield GaugeMetricFamily(
        "rollcall_front_old_generations", "Earlier ones whose workers still have connections.", generation["old"]
    )
    if generation["last_reload_seconds"] is not None:
        yield GaugeMetricFamily(
            "rollcall_front_last_reload_seconds",
            "Seconds that the last reload took.",
            generation["last_reload_seconds"],
        )


def _health(document: Document) -> Iterator[Metric]:
    problems = GaugeMetricFamily("rollcall_front_problems", "Current problems.", labels=["kind"])
    kinds = [problem["kind"] for problem in document["problems"]]
    # All kinds, so that an alert has a zero to start from.
    for kind in dict.fromkeys((*KINDS, *kinds)):
        problems.add_metric([kind], kinds.count(kind))
    yield problems
    running = document["consul_template"]["running"]
    yield GaugeMetricFamily("rollcall_front_consul_template_up", "1 if consul-template runs.", running)


def _certificates(document: Document) -> Iterator[Metric]:
    ends = GaugeMetricFamily(
        "rollcall_front_certificate_end_seconds",
        "When a site's certificate ends (Unix time).",
        labels=["name", "source"],
    )
    failing = GaugeMetricFamily(
        "rollcall_front_certificate_failing", "1 if the last order of a site's certificate failed.", labels=["name"]
    )
    for certificate in document["certificates"]:
        if certificate["end"]:
            end = datetime.fromisoformat(certificate["end"]).timestamp()
            ends.add_metric([certificate["name"], certificate["source"]], end)
        failing.add_metric([certificate["name"]], certificate["error"] is not None)
    yield from (ends, failing)


def _backups(document: Document) -> Iterator[Metric]:
    backups = document["backups"]
    if backups is None:
        return
    yield GaugeMetricFamily("rollcall_front_backup_period_seconds", "Seconds between two backups.", backups["every"])
    if backups["newest"]:
        yield GaugeMetricFamily(
            "rollcall_front_backup_time_seconds",
            "When the newest backup of Consul was made (Unix time).",
            backups["newest"]["time"],
        )


def _connections(document: Document) -> Iterator[Metric]:
    connections = document["connections"]
    states = GaugeMetricFamily("rollcall_front_connections", "nginx's connections to clients.", labels=["state"])
    for state in CONNECTION_STATES:
        if state in connections:
            states.add_metric([state], connections[state])
    yield states
    for name in CONNECTIONS_COUNTED:
        if name in connections:
            yield CounterMetricFamily(
                f"rollcall_front_connections_{name}", f"Connections that nginx {name}.", connections[name]
            )
    if "requests" in connections:
        yield CounterMetricFamily(
            "rollcall_front_client_requests",
            "Requests of clients, also of those that nginx answers itself.",
            connections["requests"],
        )
