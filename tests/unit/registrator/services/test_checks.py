"""Every check of the contract, as Consul takes it."""

from typing import Any

import pytest
from registrator_documents import container, read


def check(env: dict[str, str], *, address: str = "172.17.0.9") -> Any:
    reading = read(container("80/tcp", env=env, networks={"bridge": address}))
    assert reading.remarks == ()
    return reading.services[0].check


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        ({"SERVICE_CHECK_HTTP": "/health"}, {"HTTP": "http://172.17.0.9:80/health", "Interval": "10s"}),
        ({"SERVICE_80_CHECK_HTTP": "health"}, {"HTTP": "http://172.17.0.9:80/health", "Interval": "10s"}),
        (
            {"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_HTTP_METHOD": "head"},
            {"HTTP": "http://172.17.0.9:80/", "Method": "HEAD", "Interval": "10s"},
        ),
        (
            {"SERVICE_CHECK_HTTPS": "/", "SERVICE_CHECK_HTTPS_METHOD": "POST", "SERVICE_CHECK_TLS_SKIP_VERIFY": "true"},
            {"HTTP": "https://172.17.0.9:80/", "Method": "POST", "Interval": "10s", "TLSSkipVerify": True},
        ),
        (
            {"SERVICE_CHECK_CMD": "/bin/alive now"},
            {"Args": ["check-cmd", "0123456789ab", "80", "/bin/alive now"], "Interval": "10s"},
        ),
        (
            {"SERVICE_CHECK_SCRIPT": "curl -H 'Host: a b' $SERVICE_IP:$SERVICE_PORT/x"},
            {"Args": ["curl", "-H", "Host: a b", "172.17.0.9:80/x"], "Interval": "10s"},
        ),
        ({"SERVICE_CHECK_TTL": "30s"}, {"TTL": "30s"}),
        ({"SERVICE_CHECK_TCP": "true"}, {"TCP": "172.17.0.9:80", "Interval": "10s"}),
        ({"SERVICE_CHECK_GRPC": "true"}, {"GRPC": "172.17.0.9:80", "Interval": "10s"}),
        (
            {"SERVICE_CHECK_GRPC": "true", "SERVICE_CHECK_GRPC_USE_TLS": "true"},
            {"GRPC": "172.17.0.9:80", "GRPCUseTLS": True, "Interval": "10s"},
        ),
        (
            {
                "SERVICE_CHECK_TCP": "true",
                "SERVICE_CHECK_INTERVAL": "500ms",
                "SERVICE_CHECK_TIMEOUT": "1m30s",
                "SERVICE_CHECK_INITIAL_STATUS": "passing",
                "SERVICE_CHECK_DEREGISTER_AFTER": "30m",
            },
            {
                "TCP": "172.17.0.9:80",
                "Interval": "500ms",
                "Timeout": "1m30s",
                "Status": "passing",
                "DeregisterCriticalServiceAfter": "30m",
            },
        ),
    ],
)
def test_each_kind_of_check(env: dict[str, str], expected: object) -> None:
    assert check(env) == expected


KINDS = ["HTTP", "HTTPS", "CMD", "SCRIPT", "TTL", "TCP", "GRPC"]


@pytest.mark.parametrize("first", range(len(KINDS) - 1))
def test_the_first_kind_of_the_contract_wins(first: int) -> None:
    every = {f"SERVICE_CHECK_{kind}": "10s" for kind in KINDS[first:]}
    alone = {f"SERVICE_CHECK_{KINDS[first]}": "10s"}
    assert check(every) == check(alone)


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert check({"SERVICE_CHECK_HTTP": "/"}, address="fd00::9")["HTTP"] == "http://[fd00::9]:80/"


def test_without_a_known_address_the_agents_own_host_is_checked() -> None:
    made = container("80/tcp", published={"80/tcp": ("0.0.0.0", 32768)}, env={"SERVICE_CHECK_TCP": "true"})
    assert read(made, internal=False).services[0].check == {"TCP": "127.0.0.1:32768", "Interval": "10s"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SERVICE_CHECK_INTERVAL", "10"),
        ("SERVICE_CHECK_INTERVAL", "often"),
        ("SERVICE_80_CHECK_TIMEOUT", "5 s"),
        ("SERVICE_CHECK_DEREGISTER_AFTER", "soon"),
        ("SERVICE_CHECK_INITIAL_STATUS", "fine"),
    ],
)
def test_a_bad_value_costs_that_service_and_is_named(key: str, value: str) -> None:
    made = container(
        "80/tcp", "81/tcp", env={"SERVICE_80_CHECK_TCP": "1", key.replace("SERVICE_C", "SERVICE_80_C"): value}
    )
    reading = read(made)
    assert [service.port for service in reading.services] == [81]
    assert f"SERVICE_80_{key.removeprefix('SERVICE_').removeprefix('80_')}={value!r}" in reading.remarks[0]


@pytest.mark.parametrize(("key", "value"), [("SERVICE_CHECK_SCRIPT", "echo 'open"), ("SERVICE_CHECK_TTL", "x")])
def test_a_bad_check_costs_the_service(key: str, value: str) -> None:
    reading = read(container("80/tcp", env={key: value}))
    assert reading.services == ()
    assert f"{key}={value!r}" in reading.remarks[0]
