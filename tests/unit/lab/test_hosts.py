import dataclasses
import socket

import pytest

from rollcall.errors import RollcallError
from rollcall.lab import hosts, registry
from rollcall.lab.layout import HOSTS


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_a_host_listens_on_loopback_only(host: hosts.LabHost) -> None:
    published = [argument for argument in hosts.create_arguments(host) if argument.startswith("--publish")]
    assert f"--publish=127.0.0.1:{host.ssh_port}:22" in published
    assert all(argument.startswith("--publish=127.0.0.1:") for argument in published)


def test_the_registry_listens_on_loopback_only() -> None:
    published = [argument for argument in registry.create_arguments("0:0") if argument.startswith("--publish")]
    assert published == ["--publish=127.0.0.1:22002:5000"]


def test_a_host_is_labelled_as_the_labs_and_so_is_its_volume() -> None:
    arguments = hosts.create_arguments(HOSTS[0])
    assert "--label=rollcall.lab=1" in arguments
    assert (
        "--mount=type=volume,source=rollcall-lab-consul1-docker,target=/var/lib/docker,volume-label=rollcall.lab=1"
        in arguments
    )


def test_a_host_gets_what_systemd_and_docker_need_without_being_privileged() -> None:
    arguments = hosts.create_arguments(HOSTS[0])
    assert "--privileged" not in arguments
    assert {"--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--cgroupns=private", "--tmpfs=/run"} <= set(arguments)
    assert "--security-opt=systempaths=unconfined" in arguments


def test_hosts_take_the_engines_in_turn() -> None:
    assert list(hosts.engines_of(["20.10", "newest"]).values()) == ["20.10", "newest"] * 3
    assert set(hosts.engines_of([]).values()) == {"26.1"}
    assert hosts.create_arguments(HOSTS[0])[-1] == "rollcall-lab/host:1"
    assert hosts.create_arguments(HOSTS[0], "20.10")[-1] == "rollcall-lab/host:20.10"


def test_ssh_to_a_host_uses_the_labs_key_and_accepts_only_the_labs_host_key() -> None:
    arguments = hosts.ssh_arguments(hosts.by_name("app1"))
    assert arguments[:3] == ["ssh", "-F", "none"]
    assert {"Port=22021", "User=root", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"} <= set(arguments)
    assert arguments[-1] == "127.0.0.1"


def test_the_error_about_a_host_that_is_down_names_the_command_to_run() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(RollcallError, match=f"host app2 is down: .*127.0.0.1:{port}; run `rollcall lab up`"):
        hosts.check_up(dataclasses.replace(hosts.by_name("app2"), ssh_port=port))


@pytest.mark.parametrize(("typed", "meant"), [("app3", "app2"), ("consul", "consul3"), ("frnt1", "front1")])
def test_a_mistyped_host_gets_a_suggestion(typed: str, meant: str) -> None:
    with pytest.raises(RollcallError, match=f"has no host {typed}; did you mean {meant[:-1]}"):
        hosts.by_name(typed)


def test_an_unknown_host_lists_all_hosts() -> None:
    with pytest.raises(RollcallError, match="expected one of consul1, consul2, consul3, app1, app2, front1"):
        hosts.by_name("zzz")


def test_a_host_that_exits_at_once_is_explained() -> None:
    assert "allows 128; sysctl -w fs.inotify" in hosts.stop_reason({"Status": "exited", "ExitCode": 255}, 128)
    assert hosts.stop_reason({"Status": "exited", "ExitCode": 137}, 128) == (
        "does not stay up (its container is exited, exit code 137)"
    )
