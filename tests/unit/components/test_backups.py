"""What a Consul server gets that makes backups in time."""

from dataclasses import replace
from typing import Any

import pytest
from own_components import COMPONENTS, check, resources
from six_hosts import checked, raw_hosts

from rollcall.components import backups, declared
from rollcall.components.component import HostFacts
from rollcall.config.project import CHECKOUT
from rollcall.converge.resources import Container, Directory, File, Resource
from rollcall.errors import RollcallError
from rollcall.secrets.store import Secrets
from rollcall.secrets.tokens import Tokens

SCHEDULE = {"consul_server": {"backups": {}}}
SET = {"every": "1h", "keep": 3, "directory": "/srv/consul"}


def made(facts: HostFacts, secret: Secrets, host: str = "consul1", **given: Any) -> tuple[Resource, ...]:
    return dict(resources(checked(consul_server=given), host, facts, secret))["Backups"]


def test_only_servers_with_the_setting_have_the_program(facts: HostFacts, secret: Secrets) -> None:
    assert made(facts, secret) == ()
    assert made(facts, secret, "app1", backups=SET) == ()
    (container,) = [one for one in made(facts, secret, backups=SET) if isinstance(one, Container)]
    assert container.image == checked().servers[0].settings.consul.image
    assert [(mount.source, mount.read_only) for mount in container.mounts] == [
        ("/etc/rollcall/backups", True),
        ("/srv/consul", False),
    ]
    assert (container.user, container.add_capabilities, container.read_only) == ("100:1000", (), True)


def test_its_token_and_its_files_are_for_its_user_alone(facts: HostFacts, secret: Secrets) -> None:
    found = {one.path: one for one in made(facts, secret, backups=SET) if isinstance(one, File | Directory)}
    management = secret.tokens.secret("management")
    with_token = [one for one in found.values() if isinstance(one, File) and management in one.text]
    assert [(one.path, one.mode, one.owner) for one in with_token] == [
        ("/etc/rollcall/backups/token", 0o600, "100:1000")
    ]
    assert (found["/srv/consul"].mode, found["/srv/consul"].owner) == (0o700, "100:1000")


def test_a_new_token_is_read_without_a_restart(facts: HostFacts, secret: Secrets) -> None:
    rotated = replace(secret, tokens=Tokens(b"others"))
    specs = [
        [one.spec for one in made(facts, its, backups=SET) if isinstance(one, Container)] for its in (secret, rotated)
    ]
    assert specs[0] == specs[1]


def test_fronts_know_how_often(facts: HostFacts, secret: Secrets) -> None:
    for given, every in ({}, 0), ({"backups": SET}, 3600), ({"backups": {}}, 3600):
        front = dict(resources(checked(consul_server=given), "front1", facts, secret))["front"]
        (config,) = [one.text for one in front if isinstance(one, File) and one.path.endswith("front.json")]
        assert f'"backups_every": {every}' in config


def test_servers_with_other_schedules_are_refused() -> None:
    with pytest.raises(RollcallError, match="got none for consul2 and 48 of every 1h for consul1; expected the same"):
        check(
            "six",
            [replace(one, data={**one.data, **(SCHEDULE if one.name == "consul1" else {})}) for one in raw_hosts()],
        )


def test_what_becomes_of_the_files_is_said_once_the_setting_goes(facts: HostFacts, secret: Secrets) -> None:
    before = next(
        one.text for one in made(facts, secret, backups=SET) if isinstance(one, File) and one.path == backups.SETTINGS
    )
    server = checked().servers[0]
    assert "consul1 makes no more backups of Consul; those that it has stay in /srv/consul" in backups.ended(
        server, before
    )
    assert backups.ended(server, "") == ""
    assert backups.ended(checked(consul_server={"backups": SET}).servers[0], before) == ""


def test_a_deploy_of_an_earlier_version_that_lacks_the_component_is_refused() -> None:
    fleet, earlier = checked(consul_server={"backups": SET}), [one for one in COMPONENTS if one.name != "Backups"]
    declared.check_complete(CHECKOUT, fleet, COMPONENTS)
    declared.check_complete(CHECKOUT, checked(), earlier)
    with pytest.raises(RollcallError, match=r"consul_server\.backups set, but not backups\.COMPONENT in COMPONENTS"):
        declared.check_complete(CHECKOUT, fleet, earlier)
