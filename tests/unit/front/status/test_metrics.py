"""What Prometheus reads, and that the ready dashboard asks for nothing else."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from front_sight import SETTINGS, instance, problem, seen
from prometheus_client.parser import text_string_to_metric_families

from rollcall.config.project import CHECKOUT
from rollcall.config.settings import Front
from rollcall.contract.acme_files import NameState
from rollcall.contract.backups import Record
from rollcall.contract.status_document import Document
from rollcall.front import VERSION
from rollcall.front.certificates.choice import Offer
from rollcall.front.certificates.sites import Site
from rollcall.front.inputs.catalog import Catalog
from rollcall.front.nginx import open_connections
from rollcall.front.status.document import Counts
from rollcall.front.status.metrics import metrics

DOCS = CHECKOUT / "docs"
MADE = Record(1790000000, "consul1", "/srv/x", 5, 6)


def samples(found: Document) -> dict[str, float]:
    """All values, under the instance's, the kind's or the state's name where they have one."""
    return {
        ":".join([sample.name, *(sample.labels.get(key, "") for key in ("instance", "kind", "state", "name"))]).rstrip(
            ":"
        ): (sample.value)
        for family in text_string_to_metric_families(metrics(found).decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rollcall_front_requests_total:app1:nginx-1:80", 10),
        ("rollcall_front_errors_total:app1:nginx-1:80", 1),
        ("rollcall_front_seconds_total:app1:nginx-1:80", 0.8),
        ("rollcall_front_listed:app1:nginx-1:80", 1),
        ("rollcall_front_weight:app1:shop-1:80", 3),
        ("rollcall_front_share:app1:nginx-1:80", 0.5),
        ("rollcall_front_generation", 12),
        ("rollcall_front_reloads_total", 11),
        ("rollcall_front_old_generations", 1),
        ("rollcall_front_last_reload_seconds", 0.067),
        ("rollcall_front_consul_template_up", 1),
        ("rollcall_front_problems::refused", 2),
        ("rollcall_front_problems::kept", 0),
        ("rollcall_front_connections:::waiting", 2),
        ("rollcall_front_connections_accepted_total", 9),
    ],
)
def test_each_figure_of_the_status(name: str, value: float) -> None:
    assert samples(seen(problems=(problem("one"), problem("two"))))[name] == value


def test_false_is_0_and_unknown_values_are_left_out() -> None:
    found = samples(seen(consul_template_since=None, connections={}))
    assert found["rollcall_front_consul_template_up"] == 0
    assert not [name for name in found if "connections" in name]


def test_the_version_is_a_metric_and_that_of_the_image() -> None:
    assert Front().image.endswith(f":{VERSION}")
    assert f'rollcall_front_build_info{{version="{VERSION}"}} 1.0' in metrics(seen()).decode()


def test_an_instance_that_names_a_version_has_it_as_a_label() -> None:
    text = metrics(seen(catalog=Catalog((instance("shop-1", meta=(("version", "1.4"),)), instance("shop-2"))))).decode()
    lines = [line for line in text.splitlines() if line.startswith("rollcall_front_instance_info{")]
    assert [("app1:shop-1:80" in line, 'version="1.4"' in line) for line in lines] == [(True, True)]


def offered() -> set[str]:
    shop = instance("shop-1", meta=(("version", "1.4"),))
    everything = seen(
        catalog=Catalog((shop,)),
        counts={shop.counted_as: Counts(1, received=2, sent=3)},
        opened={open_connections.server(shop): 1},
        certificates=(Site("shop"),),
        settings=replace(SETTINGS, backups_every=3600),
        backup=MADE,
    )
    return {sample.name for f in text_string_to_metric_families(metrics(everything).decode()) for sample in f.samples}


def test_a_certificate_has_its_end_and_whether_its_order_failed() -> None:
    end = datetime(2027, 2, 27, tzinfo=UTC)
    offer = Offer(("shop",), Path("a"), Path("a"), "Test CA", end)
    failing = Site("blog", state=NameState(error="DNS has no address for it"))
    found = samples(seen(certificates=(Site("shop", offer, Path("a")), failing)))
    assert found["rollcall_front_certificate_end_seconds::::shop"] == end.timestamp()
    assert found["rollcall_front_certificate_failing::::shop"] == 0
    assert found["rollcall_front_certificate_failing::::blog"] == 1


def test_every_metric_of_the_dashboard_exists() -> None:
    dashboard = json.loads((DOCS / "grafana" / "front.json").read_text())
    text = json.dumps([[target["expr"] for target in panel["targets"]] for panel in dashboard["panels"]])
    asked = set(re.findall(r"rollcall_front_\w+", text))
    assert asked
    assert asked <= offered()


def test_the_documentation_names_each_metric_and_no_other() -> None:
    assert set(re.findall(r"rollcall_front_\w+", (DOCS / "status.md").read_text())) == offered()


def test_backups_have_their_time_and_period_where_there_are_any() -> None:
    assert not [name for name in samples(seen()) if "backup_" in name]
    settings = replace(SETTINGS, backups_every=3600)
    found = samples(seen(settings=settings, backup=MADE))
    assert found["rollcall_front_backup_time_seconds"] == 1790000000
    assert found["rollcall_front_backup_period_seconds"] == 3600
    assert "rollcall_front_backup_time_seconds" not in samples(seen(settings=settings))


def test_open_connections_are_those_of_streams() -> None:
    one = instance("nginx-1")
    found = samples(seen(opened={open_connections.server(one): 7}))
    name = "rollcall_front_stream_open_connections"
    assert {key: value for key, value in found.items() if key.startswith(name)} == {f"{name}:app1:nginx-1:80": 7}
