"""A change of upstreams' servers is told from every other change."""

import re

import pytest
from front_catalog import SETTINGS, instance

from rollcall.components.template_files import source
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.nginx.server_lines import differ_in_servers_alone
from rollcall.front.routing import sites
from rollcall.front.routing.routes import routing

SHOP = "shop.example.com"
ONE = instance("one", "shop-80", address="10.0.0.1", virtual_host=SHOP)
OTHER = instance("other", "blog-80", address="10.0.0.3", virtual_host="blog.example.com")


def text(*instances: Instance, keys: dict[str, str] | None = None) -> str:
    return sites.render(source("front/sites.conf.j2"), routing(Catalog(instances, keys or {}), SETTINGS), SETTINGS)


@pytest.mark.parametrize("address", ["10.0.0.0", "10.0.0.2", "fd00::2"])
def test_an_instance_more_is_a_change_of_servers_in_whatever_order(address: str) -> None:
    before, after = (
        text(*some, OTHER) for some in ((ONE,), (ONE, instance("two", "shop-80", address=address, virtual_host=SHOP)))
    )
    assert len(after.splitlines()) == len(before.splitlines()) + 1
    assert differ_in_servers_alone(before, after) and differ_in_servers_alone(after, before)


def test_the_size_of_their_zone_may_change_with_them() -> None:
    many = [instance("c", "shop-80", address=f"10.1.0.{n}", node=f"n{n}", virtual_host=SHOP) for n in range(100)]
    before, after = text(ONE), text(*many)
    zones = [re.findall("zone .*;", found) for found in (before, after)]
    assert zones[0] != zones[1]
    assert differ_in_servers_alone(before, after) and differ_in_servers_alone(after, before)


def test_most_changes_leave_the_size_of_the_zone() -> None:
    """Each of a thousand upstreams has it, and reading all of them would take longer than their check."""
    name = "shop-1.example.com"
    shops = [instance("c", f"shop-{n}", virtual_host=f"shop-{n}.example.com") for n in range(100)]
    more = [instance("d", "shop-1", address=f"10.1.0.{n}", node=f"n{n}", virtual_host=name) for n in range(5)]
    sizes = {re.search("zone instances (.*);", text(*shops, *more[:count])) for count in range(5)}
    assert len({size[1] for size in sizes if size}) <= 2


@pytest.mark.parametrize("lines", [("}\n" * 8, "}\n" * 9), ("a;\nb;\n" * 4, "a;\nb;\n" * 5)])
def test_a_repeated_line_more_is_more(lines: tuple[str, str]) -> None:
    assert not differ_in_servers_alone(*lines) and not differ_in_servers_alone(*reversed(lines))


def test_another_address_port_and_weight_are_a_change_of_servers() -> None:
    moved = instance("one", "shop-80", address="10.9.9.9", port=8080, weight=5, virtual_host=SHOP)
    assert differ_in_servers_alone(text(ONE), text(moved))


def test_the_last_instance_gone_is_a_change_of_servers_since_a_server_that_refuses_stands_in() -> None:
    failing = instance("one", "shop-80", address="10.0.0.1", state="critical", virtual_host=SHOP)
    assert "127.0.0.1:65535" in text(failing)
    assert differ_in_servers_alone(text(ONE), text(failing))


@pytest.mark.parametrize(
    "after",
    [
        text(ONE, OTHER),
        text(instance("one", "shop-80", address="10.0.0.1", virtual_host=SHOP, virtual_path="/api")),
        text(ONE, keys={"maintenance/shop.example.com": ""}),
        text(ONE, keys={"canary/shop-80": '{"v2": 10}'}),
    ],
    ids=["site", "path", "maintenance", "canary"],
)
def test_anything_else_is_more(after: str) -> None:
    assert not differ_in_servers_alone(text(ONE), after)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "    server shop.example.com:80 max_fails=3 fail_timeout=60 weight=1;\n",
        "    server unix:/run/shop.sock max_fails=3 fail_timeout=60 weight=1;\n",
        "    server 10.0.0.2:80 max_fails=3 fail_timeout=60 weight=1 resolve;\n",
        "    server 10.0.0.2:80 max_fails=3 fail_timeout=60 weight=0;\n",
        "    server 10.0.0.2:80 max_fails=3 fail_timeout=60 weight=1; include /etc/passwd;\n",
        "    server 10.0.0.2:80 max_fails=3 fail_timeout=60 weight=1;\n    include /etc/passwd;\n",
    ],
)
def test_a_line_that_the_front_would_not_write_is_checked(line: str) -> None:
    ours = "    server 10.0.0.1:80 max_fails=3 fail_timeout=60 weight=1;\n"
    upstream = "\nupstream shop {{\n    zone instances 64k;\n{}}}\n"
    assert not differ_in_servers_alone(upstream.format(ours), upstream.format(line))
