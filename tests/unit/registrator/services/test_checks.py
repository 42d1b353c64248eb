"""Every check of the contract, as Consul takes it."""

from typing import Any

import pytest
from registrator_documents import container, read

from rollcall.registrator.services import durations


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


def checks(*ports: str, env: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {
        service.id.removeprefix("app1:web-1:"): service.check
        for service in read(container(*ports, env=env), **fields).services
    }


@pytest.mark.parametrize("kind", ["HTTP", "HTTPS", "TCP", "GRPC"])
def test_a_check_by_tcp_is_of_tcp_ports(kind: str) -> None:
    found = checks("443/tcp", "443/udp", env={f"SERVICE_CHECK_{kind}": "/"})
    assert found["443"] is not None
    assert found["443:udp"] is None
    found = checks("443/tcp", "443/udp", env={f"SERVICE_443_CHECK_{kind}": "/"})
    assert (found["443"] is None, found["443:udp"]) == (False, None)


@pytest.mark.parametrize("key", ["SERVICE_CHECK_TCP", "SERVICE_53_CHECK_TCP", "SERVICE_53_udp_CHECK_HTTP"])
def test_a_check_by_tcp_of_a_udp_port_alone_is_left_out_and_said(key: str) -> None:
    reading = read(container("53/udp", env={key: "/"}))
    assert reading.services[0].check is None
    assert reading.notes == (f"port 53/udp: without {key}: it connects by TCP, and this port is UDP",)


def test_another_check_takes_the_place_of_one_that_is_of_tcp_ports() -> None:
    env = {"SERVICE_CHECK_TCP": "true", "SERVICE_CHECK_TTL": "30s"}
    assert checks("53/tcp", "53/udp", env=env)["53:udp"] == {"TTL": "30s"}


@pytest.mark.parametrize("value", ["false", "0", "False"])
@pytest.mark.parametrize("kind", ["TCP", "GRPC"])
def test_a_check_that_is_off_is_none(kind: str, value: str) -> None:
    assert check({f"SERVICE_CHECK_{kind}": value}) is None


@pytest.mark.parametrize("key", ["SERVICE_CHECK_SCRIPT", "SERVICE_80_CHECK_CMD"])
def test_where_the_agent_runs_no_scripts_the_service_comes_without_such_a_check_and_it_is_said(key: str) -> None:
    reading = read(container("80/tcp", env={key: "alive"}), script_checks=False)
    assert reading.services[0].check is None
    assert f"without {key}: this host's Consul agent runs no scripts" in reading.notes[0]


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("echo a #b", ["echo", "a"]),
        ("echo a#b", ["echo", "a#b"]),
        ("echo '#b' \"#c\" \\#d", ["echo", "#b", "#c", "#d"]),
        ("echo a #b\necho", ["echo", "a", "echo"]),
        ("curl http://x/#part", ["curl", "http://x/#part"]),
        ("sh -c 'a | b'", ["sh", "-c", "a | b"]),
    ],
)
def test_a_script_is_split_as_a_shell_would(script: str, arguments: list[str]) -> None:
    assert check({"SERVICE_CHECK_SCRIPT": script})["Args"] == arguments


@pytest.mark.parametrize("script", ["# only", "  #", " ", "#'"])
def test_a_script_without_a_command_costs_the_service(script: str) -> None:
    reading = read(container("80/tcp", env={"SERVICE_CHECK_SCRIPT": script}))
    assert reading.services == ()
    assert "expected a command" in reading.faults[0]


@pytest.mark.parametrize(
    ("script", "said"), [("a | b", 1), ("a > b", 1), ("a && b", 1), ("sh -c 'a | b'", 0), ("a", 0)]
)
def test_a_script_that_needs_a_shell_is_said(script: str, said: int) -> None:
    notes = read(container("80/tcp", env={"SERVICE_CHECK_SCRIPT": script})).notes
    assert len(notes) == said
    assert all("runs without a shell" in note for note in notes)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("INTERVAL", "0s"),
        ("INTERVAL", "0"),
        ("INTERVAL", "0h0m"),
        ("INTERVAL", "0.1ns"),
        ("TTL", "0s"),
        ("INTERVAL", "9999999h"),
        ("TIMEOUT", "3000000h"),
        ("HTTP", "/a b"),
        ("HTTP", "/\n"),
        ("HTTP_METHOD", "GET /"),
    ],
)
def test_what_consul_would_refuse_again_and_again_is_named(key: str, value: str) -> None:
    kind = {"TTL": {}}.get(key, {"SERVICE_CHECK_HTTP": "/"})
    reading = read(container("80/tcp", env={**kind, f"SERVICE_CHECK_{key}": value}))
    assert reading.services == ()
    assert f"SERVICE_CHECK_{key}={value!r}" in reading.faults[0]


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("1ns", 1),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("1h2m3s", 3_723_000_000_000),
        ("1µs", 1000),
        ("1μs", 1000),
        ("2562047h47m16.854775807s", 2**63 - 1),
        ("2562047h47m16.854775808s", None),
        *[(text, None) for text in ("", "1", "s", "1d", "-1s", "1 s", "1s ", "1s1", "1٣s", ".s")],
    ],
)
def test_durations_are_read_as_go_reads_them(text: str, nanoseconds: int | None) -> None:
    assert durations.nanoseconds(text) == nanoseconds
