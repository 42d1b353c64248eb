"""The certificates of sites, and the way of ACME challenges, in the text of sites.conf."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from front_catalog import instance, settings
from nginx_configuration import Directive, parsed

from rollcall.components.template_files import source
from rollcall.front.inputs.catalog import Catalog
from rollcall.front.routing import sites
from rollcall.front.routing.routes import routing

SHOP, BLOG = "shop.example.com", "blog.example.com"
CERTIFICATE = Path("/var/lib/rollcall/front/certificates/1.pem")
CATALOG = Catalog(
    tuple(
        instance(name, f"{name}-80", address="10.0.0.1", virtual_host=f"{name}.example.com")
        for name in ("shop", "blog")
    ),
    {},
)


def servers(acme: bool = False, **more: Any) -> list[Directive]:
    given = replace(settings(**more), acme=acme)
    text = sites.render(source("front/sites.conf.j2"), routing(CATALOG, given), given, {SHOP: CERTIFICATE})
    return parsed(text).all("server")


def named(found: list[Directive], host: str) -> Directive:
    (one,) = [server for server in found if server.value("server_name") == host]
    return one


def test_a_site_has_its_own_certificate_or_shares_the_tls_context_of_the_default_site() -> None:
    found = servers()
    assert named(found, SHOP).value("ssl_certificate") == str(CERTIFICATE)
    assert named(found, SHOP).value("ssl_certificate_key") == str(CERTIFICATE)
    assert named(found, "_").value("ssl_certificate") == "tls/front.crt"
    assert named(found, "_").value("ssl_certificate_key") == "tls/front.key"
    assert not named(found, BLOG).all("ssl_certificate")


def test_a_default_site_with_its_own_certificate_shares_it_with_no_other() -> None:
    found = servers(server_name=SHOP, services=("shop-80",))
    assert named(found, SHOP).value("ssl_certificate") == str(CERTIFICATE)
    assert named(found, BLOG).value("ssl_certificate") == "tls/front.crt"
    assert named(found, BLOG).value("ssl_certificate_key") == "tls/front.key"


def test_challenges_are_nobodys_business_without_acme() -> None:
    assert all("open_challenges" not in str(server) for server in servers())


@pytest.mark.parametrize("redirect", [False, 443])
def test_open_challenges_come_before_redirects_and_routes_on_every_site(redirect: bool | int) -> None:
    found = servers(acme=True, redirect=redirect)
    assert len(found) >= 3
    for server in found:
        names = [directive.name for directive in server.block]
        assert names.count("if") == 1
        if "return" in names:
            assert names.index("if") < names.index("return")
