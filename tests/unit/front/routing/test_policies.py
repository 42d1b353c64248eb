"""Which lines a location gets for its policies, and which spellings of guarded paths lead nowhere."""

import re
from typing import Any

import pytest
from front_catalog import instance, settings

from rollcall.front.inputs.catalog import Catalog
from rollcall.front.routing.policies import policy_lines
from rollcall.front.routing.routes import routing

SHOP = "shop.example.com"
PUBLIC = instance("public", "public-80", virtual_host=SHOP)


def elsewhere(**limits: str) -> dict[str, str]:
    """Return the expressions of the shop's locations, one of which, /admin, has these limits."""
    admin = instance("admin", "admin-80", virtual_host=SHOP, virtual_path="/admin", **limits)
    beside = instance("beside", "beside-80", virtual_host=SHOP, virtual_path="/beside")
    other = instance("other", "other-80", virtual_host="other.example.com")
    given = settings(users=("staff",))
    found = policy_lines(routing(Catalog((PUBLIC, admin, beside, other), {}), given), given).elsewhere
    assert found["other.example.com", "/"] == found[SHOP, "/beside"] == ""
    return {path: expression for (host, path), expression in found.items() if host == SHOP}


@pytest.mark.parametrize(
    "limits", [{"virtual_basic_auth": "staff"}, {"virtual_allow": "192.0.2.7"}, {"virtual_allow": "nonsense"}]
)
def test_above_a_guarded_path_its_other_spellings_lead_nowhere(limits: dict[str, str]) -> None:
    found = elsewhere(**limits)
    assert found["/admin"] == ""
    spelled = re.compile(found["/"], re.IGNORECASE)
    for path in ("/Admin", "/admin;x=1", "/admin.json", "/admin /x", "/;/admin", "/x/..;/admin", "/x\\..\\admin"):
        assert spelled.search(path), path
    for path in ("/", "/administrator", "/x/admin", "/a;b"):
        assert not spelled.search(path), path


def test_a_path_that_limits_nobody_has_no_other_spellings() -> None:
    assert set(elsewhere(virtual_gzip="off").values()) == {""}


@pytest.mark.parametrize(
    ("protocol", "module"), [("http", "proxy"), ("https", "proxy"), ("grpc", "grpc"), ("grpcs", "grpc")]
)
def test_a_policys_lines_are_of_the_module_that_passes_the_requests(protocol: str, module: str) -> None:
    said = {"virtual_proto": protocol, "virtual_read_timeout": "300"}
    found = routing(Catalog((instance("shop", virtual_host=SHOP, **said),), {}), settings())
    assert f"{module}_read_timeout 300s;" in policy_lines(found, settings()).of[SHOP, "/"].location


@pytest.mark.parametrize(("more", "port"), [({"redirect": 8443}, ":8443"), ({"redirect": True}, "")])
def test_a_redirect_of_a_route_goes_to_the_port_of_https_that_visitors_have(more: Any, port: str) -> None:
    given = settings(**more)
    shop = instance("shop", virtual_host=SHOP, virtual_https_only="on")
    lines = policy_lines(routing(Catalog((shop,), {}), given), given).of[SHOP, "/"]
    assert f"    return 308 https://$host{port}$request_uri;" in (*lines.server, *lines.location)
