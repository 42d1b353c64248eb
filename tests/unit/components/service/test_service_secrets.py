"""What a service's secrets become on a host: readable by its user alone, and seen nowhere else."""

from dataclasses import replace
from typing import Any

import pytest
from own_components import resources
from six_hosts import checked

from rollcall.components.component import HostFacts
from rollcall.components.service import service_secrets
from rollcall.config.fleet import nowhere
from rollcall.converge import docker_commands
from rollcall.converge.resources import Container, File
from rollcall.errors import RollcallError
from rollcall.secrets.service_secrets import ServiceSecrets
from rollcall.secrets.store import Secrets

VALUE = "correct horse battery staple"
SHOP = {"name": "shop", "image": "example/shop:1.4", "secrets": ["database-password"]}
KEY = b"k" * 32


def made(facts: HostFacts, secret: Secrets, value: str = VALUE, **shop: Any) -> tuple[list[File], Container]:
    values = ServiceSecrets(KEY, {("shop", "database-password"): value})
    fleet = checked(services=[{**SHOP, **shop}])
    own = resources(fleet, "app1", facts, replace(secret, services=values))["services"]
    (container,) = [one for one in own if isinstance(one, Container)]
    return [one for one in own if isinstance(one, File)], container


@pytest.mark.parametrize(
    ("settings", "owner"),
    [
        ({}, ""),
        ({"user": "1000:1001"}, "1000:1001"),
        ({"user": "1000"}, "1000:0"),
        ({"user": "1000", "secrets_owner": "999"}, "999:0"),
    ],
)
def test_a_file_belongs_to_the_user_of_the_container(
    facts: HostFacts, secret: Secrets, settings: dict[str, Any], owner: str
) -> None:
    (salt, file), container = made(facts, secret, **settings)
    assert (file.text, file.mode, file.owner) == (VALUE, 0o400, owner)
    assert (salt.mode, salt.owner) == (0o400, "0:0")
    # The image alone knows its user's number.
    assert ("docker image inspect" in file.notify) == (owner == "")
    assert ("chown" in file.notify) == (owner == "")
    ((source, target, read_only),) = [(one.source, one.target, one.read_only) for one in container.mounts]
    assert (source, target, read_only) == (file.path, "/run/secrets/database-password", True)
    assert dict(container.environment)["DATABASE_PASSWORD_FILE"] == target


@pytest.mark.parametrize("as_environment", [False, True])
def test_a_changed_value_is_a_release_and_its_digest_needs_the_fleets_key(
    facts: HostFacts, secret: Secrets, *, as_environment: bool
) -> None:
    files, container = made(facts, secret, secrets_as_environment=as_environment)
    _, other = made(facts, secret, "another", secrets_as_environment=as_environment)
    assert container.secrets != other.secrets
    assert container.spec != other.spec
    # Everything but the value, its keyed digests, and what they are part of is the same.
    blank = replace(container, secrets="", mounts=(), secret_environment=(("DATABASE_PASSWORD", "x"),))
    assert blank.spec == replace(blank, secret_environment=(("DATABASE_PASSWORD", "y"),)).spec
    for file in files:
        assert file.digest != replace(file, salt="").digest


@pytest.mark.parametrize("as_environment", [False, True])
def test_no_value_is_in_an_argument_or_a_repr(facts: HostFacts, secret: Secrets, *, as_environment: bool) -> None:
    files, container = made(facts, secret, secrets_as_environment=as_environment)
    shown = [docker_commands.run(container), repr(container), str(files), *(file.notify for file in files)]
    assert [text for text in shown if VALUE in text] == []
    assert (docker_commands.run_input(container) != "") == as_environment
    assert bool(files) != as_environment


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"secrets": ["a b"]}, "services[0].secrets[0]: got 'a b'; expected a list of names, each a letter"),
    ({"secrets": ["a-b", "a_b"]}, "services[0].secrets[1]: got 'a_b', and A_B_FILE a second time"),
    ({"environment": {"DATABASE_PASSWORD_FILE": "/x"}}, "environment.DATABASE_PASSWORD_FILE: got it, the variable of"),
    ({"secrets": [], "secrets_as_environment": True}, "services[0].secrets_as_environment: got it without secrets"),
    ({"secrets_as_environment": True, "secrets_owner": "1"}, "services[0].secrets_owner: got it with secrets_as_env"),
    (
        {"volumes": [{"source": "data", "target": "/run/secrets/database-password"}]},
        "services[0].volumes[0].target: got '/run/secrets/database-password' a second time",
    ),
]


@pytest.mark.parametrize(("settings", "sentence"), FAULTS)
def test_what_cannot_work_is_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        checked(services=[{**SHOP, **settings}])
    assert sentence in str(refusal.value)


def sentences(value: str, **shop: Any) -> list[str]:
    fleet = checked(services=[{**SHOP, **shop}])
    secrets = ServiceSecrets(KEY, {("shop", "database-password"): value} if value else {})
    return list(service_secrets.check_values(fleet, secrets, "lab.py", nowhere))


def test_a_missing_value_is_one_sentence_with_the_command_for_the_whole_fleet() -> None:
    assert sentences(VALUE) == []
    assert sentences("") == [
        "services[0].secrets: got 'database-password' without a value; expected one, here or in "
        "ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD: rollcall secret set lab.py shop database-password"
    ]


def test_several_lines_are_no_environment() -> None:
    assert sentences("a\nb") == []
    (sentence,) = sentences("a\nb", secrets_as_environment=True)
    assert "got 'database-password' with several lines" in sentence
