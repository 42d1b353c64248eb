"""What an ACME program gets on a front's host, and what a front gets of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from own_components import resources
from six_hosts import checked
from tls_files import TlsFiles

from rollcall.components import access
from rollcall.components.acme import check_secrets
from rollcall.components.component import HostFacts
from rollcall.config import local_files
from rollcall.converge.resources import Container, Directory, File, Resource
from rollcall.errors import RollcallError
from rollcall.secrets import front_secrets
from rollcall.secrets.service_secrets import ServiceSecrets
from rollcall.secrets.store import Secrets

ACME = {"email": "ops@example.com", "names": ["*.example.com"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    local_files.relative_to(tmp_path)
    return tmp_path


def made(facts: HostFacts, secret: Secrets, host: str = "front1", **front: Any) -> dict[str, tuple[Resource, ...]]:
    return dict(resources(checked(front=front), host, facts, replace(secret, acme_key="SEALING-KEY")))


def container(found: tuple[Resource, ...]) -> Container:
    (one,) = [resource for resource in found if isinstance(resource, Container)]
    return one


def test_only_fronts_with_the_setting_have_it(facts: HostFacts, secret: Secrets) -> None:
    assert made(facts, secret)["acme"] == ()
    assert made(facts, secret, "app1", acme=ACME)["acme"] == ()
    before, after = container(made(facts, secret)["front"]), container(made(facts, secret, acme=ACME)["front"])
    assert {mount.source for mount in after.mounts} - {mount.source for mount in before.mounts} == {"front-acme"}


def test_secrets_are_private_files_and_the_key_is_nowhere_else(facts: HostFacts, secret: Secrets) -> None:
    found = made(facts, secret, acme=ACME)
    files = {one.path: one for one in found["acme"] if isinstance(one, File)}
    (folder,) = [one for one in found["acme"] if isinstance(one, Directory)]
    assert (folder.mode, folder.owner) == (0o700, "101:101")
    assert {path.rpartition("/")[2]: file.mode for path, file in files.items()} == {
        "acme.json": 0o644,
        "token": 0o600,
        "key": 0o600,
    }
    both = replace(secret, acme_key="SEALING-KEY", other_acme_keys=("OTHER-KEY",))
    rotated = dict(resources(checked(front={"acme": ACME}), "front1", facts, both))["acme"]
    (file,) = [one for one in rotated if isinstance(one, File) and one.path.endswith("/key")]
    assert file.text == "SEALING-KEY\nOTHER-KEY\n"
    with_key = [
        one.path for part in found.values() for one in part if isinstance(one, File) and "SEALING-KEY" in one.text
    ]
    assert with_key == ["/etc/rollcall/acme/key"]
    assert container(found["acme"]).add_capabilities == ()


def test_it_knows_the_fronts_and_the_directory(facts: HostFacts, secret: Secrets) -> None:
    acme = {**ACME, "staging": True}
    found = made(facts, secret, acme=acme, http_port=8080)["acme"]
    (config,) = [json.loads(one.text) for one in found if isinstance(one, File) and one.path.endswith("acme.json")]
    assert "staging" in config["directory"]
    assert config["fronts"] == [{"address": "10.77.0.31", "port": 8080, "proxy_protocol": False}]
    assert config["addresses"] == ["10.77.0.31"]


def test_its_token_exists_on_fronts_with_it_only(secret: Secrets) -> None:
    names = [
        {policy.name for policy in access.desired(checked(front=one), secret).policies} for one in ({}, {"acme": ACME})
    ]
    assert names[1] - names[0] == {"rollcall-acme-front1"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"authority": "ca.pem"}, r"front.acme.authority: got 'ca.pem', but .*ca.pem cannot be read: No such file"),
        ({"eab": {"id": "kid", "key": "eab.key"}}, r"front.acme.eab.key: got 'eab.key', but .* cannot be read"),
        ({"dns": {"hook": "missing"}}, r"front.acme.dns.hook: got 'missing', but .* cannot be read: No such file"),
        ({"dns": {"hook": "plain"}}, r"front.acme.dns.hook: got 'plain', which does not say what runs it"),
        ({"staging": True, "directory": "https://acme.example.com/dir"}, "front.acme: got staging and directory"),
    ],
)
def test_what_cannot_work_is_refused(project: Path, more: dict[str, Any], reason: str) -> None:
    (project / "plain").write_text("echo\n")
    with pytest.raises(RollcallError, match=reason):
        checked(front={"acme": {**ACME, **more}})


def test_files_that_settings_name_come_along(project: Path, facts: HostFacts, secret: Secrets) -> None:
    (project / "eab.key").write_text("HMAC")
    TlsFiles(project)
    acme = {**ACME, "eab": {"id": "kid", "key": "eab.key"}, "authority": "ca.pem"}
    found = {one.path: one for one in made(facts, secret, acme=acme)["acme"] if isinstance(one, File)}
    assert found["/etc/rollcall/acme/eab.key"].mode == 0o600
    assert "CERTIFICATE" in found["/etc/rollcall/acme/authority.pem"].text
    assert "HMAC" not in found["/etc/rollcall/acme/acme.json"].text


def test_a_program_that_changes_dns_comes_with_its_secrets(project: Path, facts: HostFacts, secret: Secrets) -> None:
    (project / "dns-hook").write_text("#!/bin/sh\n")
    acme = {**ACME, "dns": {"hook": "dns-hook", "environment": {"ZONE": "example.com"}, "secrets": ["tsig"]}}
    missing = list(check_secrets(checked(front={"acme": acme}), secret, "lab.py", lambda *_: "front.py:3: "))
    assert missing == [
        "front.py:3: front.acme.dns.secrets[0]: got 'tsig' without a value; "
        "expected one: rollcall secret set lab.py front tsig"
    ]
    given = replace(secret, services=ServiceSecrets(b"key", {("front", "tsig"): "VALUE"}))
    assert not list(check_secrets(checked(front={"acme": acme}), given, "lab.py", lambda *_: ""))
    files = {one.path: one for one in made(facts, given, acme=acme)["acme"] if isinstance(one, File)}
    assert files["/etc/rollcall/acme/dns-hook"].mode == 0o700
    assert files["/etc/rollcall/acme/dns-secrets/tsig"].mode == 0o400
    config = json.loads(files["/etc/rollcall/acme/acme.json"].text)
    assert config["dns"] == {"environment": {"ZONE": "example.com"}, "secrets": ["tsig"]}
    assert front_secrets.declared(checked(front={"acme": acme})) == {("front", "tsig")}
