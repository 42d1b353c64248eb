"""Tokens that Consul removes when they expire."""

import json

import pytest

from rollcall.components import access
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet
from rollcall.consul import temporary_token
from rollcall.errors import RollcallError
from rollcall.secrets.store import Secrets


@pytest.mark.parametrize(("text", "seconds"), [("1m", 60), ("60s", 60), ("1h", 3600), ("24h", 86400)])
def test_the_lifetime_of_a_token(text: str, seconds: int) -> None:
    assert temporary_token.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "59s", "25h", "1d", "-1h", "1h30m", "٣h"])
def test_a_duration_outside_consuls_limits_is_one_sentence(text: str) -> None:
    with pytest.raises(RollcallError, match=r"^--ttl: got .*; expected a duration from 1m to 24h"):
        temporary_token.seconds(text)


@pytest.mark.parametrize(("read_only", "policy"), [(True, "rollcall-reader"), (False, "rollcall-operator")])
def test_it_has_one_policy_that_a_deploy_keeps(read_only: bool, policy: str, single: Fleet, secret: Secrets) -> None:
    asked = temporary_token.request(60, read_only=read_only)
    body = json.loads(asked.body)
    assert (body["Policies"], body["ExpirationTTL"]) == ([{"Name": policy}], "60s")
    assert policy in {one.name for one in access.desired(single, secret).policies}


def test_a_reader_writes_nothing_and_does_not_see_the_gossip_key() -> None:
    rules = render("consul/policies/reader.hcl.j2").splitlines()
    grants = [line for line in rules if line and not line.startswith("#")]
    assert grants
    assert all(line.endswith('{ policy = "read" }') for line in grants)
    assert not [line for line in grants if line.startswith(("operator", "keyring", "acl"))]
