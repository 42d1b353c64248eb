"""The command line of the original registrator works; a wrong one is answered with one sentence."""

import pytest

from rollcall.registrator.__main__ import host_address, with_running_flags
from rollcall.registrator.flags import UsageError, parse, usage
from rollcall.registrator.settings import AgentAddress, Endpoint, Settings, settings_from

URI = "consul://127.0.0.1:8500"


WRONG_PLACES = ["::1:8500", "::1", "a:0", "a:b", "a:70000", "u:p@a:8500", "a:8500/v1", "a:8500?x", "a#b", "[::1"]
WRONG_ADDRESSES = [
    "10.0.0.1,10.0.0.2",
    "10.0.0.1 10.0.0.2",
    "eth0",
    "0.0.0.0",
    "::",
    "fe80::1%eth0",
    "224.0.0.1",
    "a",
    " ",
]
WRONG_ADDRESSES += [" ", "10.0.0", "10.0.0.1/24", "10.0.0.1:80", "[::1]"]


def read(*arguments: str, address: str = "") -> Settings:
    return settings_from(parse(list(arguments)), "app1", address)


@pytest.mark.parametrize("spelling", ["-internal", "--internal", "-internal=true", "--internal=1", "-internal=T"])
def test_a_switch_may_be_spelled_as_in_go(spelling: str) -> None:
    assert read(spelling, URI).internal is True


@pytest.mark.parametrize("spelling", [["-internal=false"], ["-internal=0"], []])
def test_a_switch_can_be_off(spelling: list[str]) -> None:
    assert read(*spelling, URI).internal is False


@pytest.mark.parametrize("spelling", [["-ip", "10.0.0.1"], ["-ip=10.0.0.1"], ["--ip", "10.0.0.1"], ["--ip=10.0.0.1"]])
def test_a_value_may_follow_or_be_joined(spelling: list[str]) -> None:
    assert read(*spelling, URI).ip == "10.0.0.1"


def test_every_flag_of_the_contract() -> None:
    given = ["-ip", "10.0.0.1", "-internal", "-explicit", "-tags", "a,b\\,c", "-useIpFromLabel", "ip"]
    given += ["-ip-from-container", "-resync", "30", "-cleanup", "-deregister", "on-success", "-ttl", "60"]
    given += ["-ttl-refresh", "30", "-retry-attempts", "-1", "-retry-interval", "500"]
    assert read(*given, URI) == Settings(
        agent=AgentAddress("consul", "127.0.0.1", 8500),
        hostname="app1",
        host_address="10.0.0.1",
        ip="10.0.0.1",
        internal=True,
        explicit=True,
        tags=r"a,b\,c",
        address_label="ip",
        ip_from_container=True,
        resync_seconds=30,
        cleanup=True,
        deregister_failed=False,
        retry_attempts=-1,
        retry_seconds=0.5,
        status=Endpoint("127.0.0.1", 8510),
    )


def test_the_defaults_of_the_contract() -> None:
    assert read(URI, address="10.0.0.9") == Settings(
        agent=AgentAddress("consul", "127.0.0.1", 8500),
        hostname="app1",
        host_address="10.0.0.9",
        status=Endpoint("127.0.0.1", 8510),
    )
    assert read("-status", "off", URI).status is None


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("consul://consul.local", AgentAddress("consul", "consul.local", 8500)),
        ("consul:", None),
        ("consul://", AgentAddress("consul", "127.0.0.1", 8500)),
        ("consul-tls://10.0.0.1:8501", AgentAddress("consul-tls", "10.0.0.1", 8501)),
        ("consul-unix:///run/consul.sock", AgentAddress("consul-unix", socket="/run/consul.sock")),
        ("consul-unix:///run/a?b#c", AgentAddress("consul-unix", socket="/run/a?b#c")),
        ("consul://[::1]:8500", AgentAddress("consul", "::1", 8500)),
        ("consul://[fd00::1]", AgentAddress("consul", "fd00::1", 8500)),
        ("consul://10.0.0.1:1/", AgentAddress("consul", "10.0.0.1", 1)),
    ],
)
def test_addresses_of_the_agent(uri: str, address: AgentAddress | None) -> None:
    if address is None:
        with pytest.raises(UsageError):
            read(uri)
    else:
        assert read(uri).agent == address


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the Consul agent's address is missing"),
        ([URI, "-internal"], "unexpected argument '-internal'; flags come before the agent's address"),
        (["-internl", URI], "unknown flag -internl; did you mean -internal?"),
        (["-zzz", URI], "unknown flag -zzz; registrator -help lists the flags"),
        (["-internal=maybe", URI], "-internal: got 'maybe'; expected -internal or -internal=false"),
        (["-resync", "soon", URI], "-resync: got 'soon'; expected an integer"),
        (["-resync", "-5", URI], "-resync: got -5; expected 0 or more"),
        (["-ip"], "-ip: expected a value"),
        (["-deregister", "never", URI], "-deregister: got 'never'; expected always or on-success"),
        (["-ttl", "30", URI], "both or neither"),
        (["-ttl", "30", "-ttl-refresh", "30", URI], "-ttl: got 30; expected more than -ttl-refresh"),
        (["-retry-interval", "0", URI], "-retry-interval: got 0; expected milliseconds above 0"),
        (["-retry-attempts", "-2", URI], "-retry-attempts"),
        (["-tags", "{{.Name", URI], "invalid template: a {{ has no }}"),
        (["http://127.0.0.1:8500"], "invalid agent address"),
        (["127.0.0.1:8500"], "invalid agent address"),
        (["consul://127.0.0.1:port"], "invalid agent address"),
        (["consul-unix://"], "expected consul-unix:///path/to.sock"),
        (["consul-unix:///"], "expected consul-unix:///path/to.sock"),
        (["consul-unix://run/consul.sock"], "expected consul-unix:///path/to.sock, with three slashes"),
        *[([f"consul://{place}"], "invalid agent address") for place in WRONG_PLACES],
        *[
            (["-ip", address, URI], f"-ip: got {address!r}; expected one IP address of this host")
            for address in WRONG_ADDRESSES
        ],
        (["etcd://127.0.0.1:2379"], "etcd is not supported; expected a Consul agent"),
        (["zookeeper://127.0.0.1/base"], "zookeeper is not supported"),
        (["consulkv://127.0.0.1"], "consulkv is not supported"),
        (["skydns2://127.0.0.1"], "skydns2 is not supported"),
    ],
)
def test_a_wrong_command_line_is_answered_with_one_sentence(arguments: list[str], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(*arguments)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_help_names_every_flag_and_its_default() -> None:
    for flag in ("-ip text", "-internal", "-deregister text", "(default always)", "(default 2000)", "DOCKER_HOST"):
        assert flag in usage()


RUNNING = b"python3\0-m\0rollcall.registrator\0-ip=10.0.0.1\0-tags=a,b\0consul://127.0.0.1:8500\0"


@pytest.mark.parametrize("typed", [["once"], ["once", "-dry"], ["once", "--dry"]])
def test_a_look_without_flags_has_those_of_the_one_that_runs(typed: list[str]) -> None:
    line = parse(with_running_flags(typed, RUNNING))
    assert line.once
    assert (line.text("ip"), line.text("tags"), line.arguments) == ("10.0.0.1", "a,b", [URI])
    assert line.switch("dry") is (len(typed) > 1)


@pytest.mark.parametrize(
    ("typed", "running"),
    [
        (["once", "-dry", "-internal"], RUNNING),
        (["once", "-dry", URI], RUNNING),
        (["-internal", URI], RUNNING),
        (["once", "-dry"], b"/sbin/init\0"),
        (["once", "-dry"], b""),
        (["once", "-dry"], b"registrator\0once\0-dry\0-internal\0"),
    ],
)
def test_other_command_lines_are_taken_as_typed(typed: list[str], running: bytes) -> None:
    assert with_running_flags(typed, running) == typed


@pytest.mark.parametrize(
    ("given", "ip"), [("fd00:0::1", "fd00::1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("", "")]
)
def test_an_address_is_kept_in_its_usual_form(given: str, ip: str) -> None:
    assert read("-ip", given, URI).ip == ip


@pytest.mark.parametrize("uri", ["consul://[::1]:8500", "consul://a:8500", "consul-unix:///run/consul.sock"])
def test_an_address_is_shown_as_it_is_written(uri: str) -> None:
    assert str(read(uri).agent) == uri


@pytest.mark.parametrize(
    ("resolved", "address"),
    [
        (["10.0.0.9"], "10.0.0.9"),
        (["fd00::9", "10.0.0.9"], "10.0.0.9"),
        (["fd00::9"], "fd00::9"),
        (["127.0.1.1"], ""),
        (["127.0.1.1", "10.0.0.9"], "10.0.0.9"),
        (["::1", "fe80::1%eth0", "fe80::1"], ""),
        ([], ""),
    ],
)
def test_the_hosts_own_address_is_what_others_reach(
    monkeypatch: pytest.MonkeyPatch, resolved: list[str], address: str
) -> None:
    found = [(0, 0, 0, "", (address, 0)) for address in resolved]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    assert host_address("app1") == address
