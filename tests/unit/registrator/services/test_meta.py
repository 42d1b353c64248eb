"""What of a container's metadata becomes Consul's Meta: nothing in it costs the service, and no secret gets there."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registrator_documents import container, read

from rollcall.contract import route_metadata
from rollcall.registrator.services.meta import MARKS, PAIRS, looks_secret
from rollcall.registrator.services.services import ContainerServices, Service


def reading(env: dict[str, str]) -> ContainerServices:
    return read(container("80/tcp", env=env))


def only(found: ContainerServices) -> Service:
    (service,) = found.services
    assert found.remarks == ()
    return service


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("SERVICE_my.app", "1", "letters, digits"),
        ("SERVICE_A B", "1", "letters, digits"),
        ("SERVICE_é", "1", "letters, digits"),
        (f"SERVICE_{'X' * 129}", "1", "1 to 128 letters"),
        ("SERVICE_LONG", "x" * 513, "513 bytes, and Consul holds 512"),
        ("SERVICE_LONG", "é" * 257, "514 bytes"),
        ("SERVICE_CONSUL-FOO", "x", "keys that start with consul- are reserved"),
        ("SERVICE_80_Consul-", "x", "keys that start with consul- are reserved"),
        ("SERVICE_REGISTRATOR-HOST", "other", "keys that start with registrator- are reserved"),
        ("SERVICE_PASSWORD", "hunter2hunter2", "it looks like a secret"),
        ("SERVICE_80_DB_PASS", "hunter2hunter2", "it looks like a secret"),
        ("SERVICE_PEM", "-----BEGIN RSA PRIVATE KEY-----", "it looks like a secret"),
        ("SERVICE_ACCOUNT_JSON", "{" + "x" * 2000 + "}", "it looks like a secret"),
    ],
)
def test_what_consul_cannot_hold_is_left_out_and_said_without_its_value(key: str, value: str, says: str) -> None:
    found = reading({key: value, "SERVICE_REGION": "eu"})
    assert only(found).meta == {"region": "eu"}
    (note,) = found.notes
    assert says in note
    assert key[:40] in note
    assert len(value) < 4 or value not in note
    assert len(note) < 250


@pytest.mark.parametrize("value", ["10.0.0.1 " * 60, "-----BEGIN RSA PRIVATE KEY-----"])
def test_a_limit_of_who_gets_in_that_consul_cannot_hold_closes_the_route(value: str) -> None:
    found = reading({"SERVICE_VIRTUAL_HOST": "shop.example.com", "SERVICE_VIRTUAL_ALLOW": value})
    route = route_metadata.read(only(found).meta)
    assert found.notes and route is not None and route.options.closed


def test_of_too_many_keys_those_that_decide_who_gets_in_are_kept() -> None:
    many = {f"SERVICE_AAA{number}": "1" for number in range(100)}
    allow = {"SERVICE_VIRTUAL_HOST": "shop.example.com", "SERVICE_VIRTUAL_ALLOW": "10.0.0.0/8"}
    route = route_metadata.read(only(reading(many | allow)).meta)
    assert route is not None and route.options.policies == (("allow", "10.0.0.0/8"),)


@pytest.mark.parametrize(
    "name",
    [
        *("password", "PASSWORD", "db_password", "db-passwd", "MYSQL_PWD", "secret", "client_secret", "token"),
        *("api_key", "APIKEY", "access_key_id", "private_key", "aws.secret.access.key", "key", "session_keys"),
        *("credentials", "account_json", "google_service_account", "ssh_key", "auth_token"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("region", "virtual_host", "virtual_path", "weight", "check_http", "check_tls_skip_verify", "network"),
        *("cache_key", "public_key", "partition_key", "keyspace", "passing", "tokenizer", "secretary", "monkey"),
        *("bypass", "author", "account", "json"),
    ],
)
def test_names_of_no_secrets(name: str) -> None:
    assert not looks_secret(name)


def test_of_too_many_keys_as_many_as_consul_holds_are_kept_and_the_fronts_first() -> None:
    env = {f"SERVICE_A{number:02}": "v" for number in range(70)} | {
        "SERVICE_VIRTUAL_HOST": "a.example",
        "SERVICE_WEIGHT": "3",
    }
    found = reading(env)
    meta = only(found).meta
    assert len(meta) == PAIRS - MARKS
    assert {"virtual_host", "weight", "a00"} <= meta.keys()
    assert "SERVICE_A58, SERVICE_A59, SERVICE_A60 and 9 more are not copied" in found.notes[0]


NAMES = [f"shop-number-{number}.europe.example.com" for number in range(20)]


@pytest.mark.parametrize("separator", [",", " ", ", ", "\n"])
def test_a_list_of_twenty_host_names_works(separator: str) -> None:
    found = reading({"SERVICE_VIRTUAL_HOST": separator.join(NAMES)})
    meta = only(found).meta
    assert found.notes == ()
    assert all(len(value) <= 512 for value in meta.values())
    wanted = route_metadata.read(meta)
    assert wanted and wanted.hosts == tuple(NAMES)


def test_host_names_that_fit_nowhere_are_counted() -> None:
    found = reading({"SERVICE_VIRTUAL_HOST": ",".join([*NAMES * 20, "x" * 513])})
    assert re.search(
        r"SERVICE_VIRTUAL_HOST is not copied into Consul's Meta: \d+ of its host names do not fit", found.notes[0]
    )
    assert route_metadata.host_names(only(found).meta)[:20] == NAMES


@given(st.lists(st.from_regex(r"[a-z]{1,30}(\.[a-z]{1,30}){0,3}", fullmatch=True), max_size=60))
def test_a_divided_list_is_the_same_list(names: list[str]) -> None:
    parts, lost = route_metadata.divided(",".join(names), 512)
    assert route_metadata.host_names(parts) == names
    assert lost == 0
    assert all(len(value) <= 512 for value in parts.values())


KEYS = st.text(min_size=1, max_size=140) | st.from_regex(r"[A-Z][A-Z_]{0,20}", fullmatch=True)


@given(st.dictionaries(KEYS.filter(lambda key: "=" not in key), st.text(max_size=600), max_size=80))
def test_whatever_is_not_for_us_consul_can_hold_the_rest(metadata: dict[str, str]) -> None:
    env = {f"SERVICE_X{key}": value for key, value in metadata.items()}
    meta = only(reading(env)).meta
    assert len(meta) <= PAIRS - MARKS
    assert all(re.fullmatch(r"[a-z0-9_-]{1,128}", key) for key in meta)
    assert all(len(value.encode(errors="replace")) <= 512 for value in meta.values())
