"""Common resolvers: the program that manages resolv.conf, the servers that stay, and the files that a deploy writes."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from six_hosts import checked

from rollcall.components import dns
from rollcall.components.resolver import PROBE, RESOLVED_DROP_IN, Resolver, read
from rollcall.components.resolver_files import PATHS, TEXTS, announced, withdrawn
from rollcall.config.fleet import Fleet
from rollcall.converge.resources import AbsentFile, Directory, File, LeadingLine, Resource

BRIDGE = "172.17.0.1"
STUB = "# This is /run/systemd/resolve/stub-resolv.conf\nnameserver 127.0.0.53\noptions edns0\n"
RESOLVED = frozenset({"systemd", "systemd-resolved"})
OUR_LINE = LeadingLine("/etc/resolv.conf", f"nameserver {BRIDGE}")


def by_path(resources: tuple[Resource, ...]) -> dict[str, Resource]:
    found = {
        resource.path: resource
        for resource in resources
        if isinstance(resource, File | Directory | AbsentFile | LeadingLine)
    }
    assert len(found) == len(resources)  # nothing is wanted twice, or both wanted and not
    return found


def present(resources: tuple[Resource, ...]) -> set[str]:
    return {
        path
        for path, resource in by_path(resources).items()
        if not (
            isinstance(resource, AbsentFile | Directory) or (isinstance(resource, LeadingLine) and not resource.present)
        )
    }


def conf(path: str, *lines: str) -> str:
    return "\n".join([f"# {path}", *lines, ""])


class Host:
    """systemd-resolved on a host, with servers set globally and by the network."""

    def __init__(self, configured: list[str], network: list[str], mode: str) -> None:
        self.configured, self.network, self.mode = configured, network, mode
        self.drop_in = self.written = False

    def resolver(self) -> Resolver:
        shown = [BRIDGE] if self.drop_in else self.configured
        if self.mode == "file" and not shown:  # it reads a file that is not its own
            shown = ["192.0.2.99"]
        upstream = "".join(f"nameserver {server}\n" for server in (*shown, *self.network))
        file = f"nameserver {BRIDGE}\n" * self.written + "nameserver 192.0.2.99\n"
        text = {"stub": STUB, "uplink": upstream, "file": file}[self.mode]
        link = {"stub": "/run/systemd/resolve/stub-resolv.conf", "uplink": "/run/systemd/resolve/resolv.conf"}
        settings = conf("/etc/systemd/resolved.conf", "[Resolve]", "#DNS=", f"DNS={' '.join(self.configured)}")
        if self.drop_in:
            settings += conf(RESOLVED_DROP_IN, "[Resolve]", "DNS=", f"DNS={BRIDGE}", "Domains=~consul")
        return Resolver(text, upstream, link.get(self.mode, "/etc/resolv.conf"), RESOLVED, frozenset({"ip"}), settings)

    def deploy(self) -> None:
        wanted = present(announced(BRIDGE, "consul", self.resolver()))
        self.drop_in, self.written = RESOLVED_DROP_IN in wanted, "/etc/resolv.conf" in wanted


servers = st.lists(st.sampled_from([f"192.0.2.{number}" for number in range(1, 6)]), unique=True, max_size=3)


@given(servers, servers, st.sampled_from(["stub", "uplink", "file"]))
def test_the_servers_of_before_stay_however_often_it_is_deployed(
    configured: list[str], network: list[str], mode: str
) -> None:
    host = Host(configured, network, mode)
    before = host.resolver()
    for _ in range(3):
        host.deploy()
        assert host.resolver().servers(BRIDGE) == before.servers(BRIDGE)
        assert announced(BRIDGE, "consul", host.resolver()) == announced(BRIDGE, "consul", before)
    assert set(before.servers(BRIDGE)) >= {*configured, *network}
    assert ("192.0.2.99" in before.servers(BRIDGE)) == (mode == "file")


@pytest.mark.parametrize("mode", ["stub", "uplink"])
def test_resolved_gets_a_drop_in_and_its_own_file_is_never_touched(mode: str) -> None:
    resolver = Host(["192.0.2.1"], [], mode).resolver()
    resources = announced(BRIDGE, "consul", resolver)
    drop_in = by_path(resources)[RESOLVED_DROP_IN]
    assert isinstance(drop_in, File)
    settings = [line for line in drop_in.text.splitlines() if not line.startswith("#")]
    assert settings == ["[Resolve]", "DNS=", f"DNS={BRIDGE}", "Domains=~consul"]
    for listed in (resources, withdrawn(BRIDGE, resolver)):
        assert "/etc/resolv.conf" not in by_path(listed)


def test_a_file_of_ones_own_beside_resolved_gets_both() -> None:
    assert {RESOLVED_DROP_IN, "/etc/resolv.conf"} <= present(
        announced(BRIDGE, "consul", Host([], [], "file").resolver())
    )


def test_a_link_to_resolved_means_resolved_even_while_it_is_down() -> None:
    assert Resolver("", link="/run/systemd/resolve/stub-resolv.conf").is_resolved
    assert not Resolver("nameserver 192.0.2.1\n", link="/etc/resolv.conf").is_resolved


@pytest.mark.parametrize(
    ("programs", "active", "paths"),
    [
        ((), (), set()),
        (("resolvconf",), (), {"/etc/resolvconf/resolv.conf.d/head"}),
        (("openresolv",), (), {"/etc/resolvconf.conf"}),
        (("dhclient",), (), {"/etc/dhcp/dhclient.conf"}),
        (("dhcpcd",), (), {"/etc/resolv.conf.head"}),
        ((), ("NetworkManager",), {"/etc/NetworkManager/dispatcher.d/90-rollcall-dns"}),
    ],
)
def test_a_program_that_rewrites_the_file_keeps_our_line(
    programs: tuple[str, ...], active: tuple[str, ...], paths: set[str]
) -> None:
    resolver = Resolver("nameserver 192.0.2.1\n", "", "/etc/resolv.conf", frozenset(active), frozenset(programs))
    assert present(announced(BRIDGE, "consul", resolver)) == {"/etc/resolv.conf", *paths}
    assert not present(withdrawn(BRIDGE, resolver))


@pytest.mark.parametrize("mode", ["stub", "file"])
def test_everything_that_is_wanted_is_read_and_can_be_withdrawn(mode: str) -> None:
    resolver = Host(["192.0.2.1"], [], mode).resolver()
    every = Resolver(
        resolver.resolv_conf,
        "",
        resolver.link,
        RESOLVED | {"NetworkManager"},
        frozenset({"ip", "dhclient", "dhcpcd", "resolvconf", "openresolv"}),
        conf("/etc/systemd/resolved.conf", "[Resolve]", "DNSSEC=yes"),
    )
    wanted = by_path(announced(BRIDGE, "consul", every))
    assert set(wanted) <= {*PATHS, *TEXTS}
    left = {path for path, resource in by_path(withdrawn(BRIDGE, every)).items()}
    assert {path for path, resource in wanted.items() if not isinstance(resource, Directory)} == left


def test_names_stay_on_the_host_while_dockers_bridge_is_down() -> None:
    unit = "/etc/systemd/system/rollcall-dns-route.service"
    for mode in ("stub", "uplink", "file"):
        resource = by_path(announced(BRIDGE, "consul", Host([], [], mode).resolver()))[unit]
        assert isinstance(resource, File)
        assert f"to {BRIDGE} unreachable" in resource.text
    assert isinstance(by_path(announced(BRIDGE, "consul", Resolver("nameserver 192.0.2.1\n")))[unit], AbsentFile)


@pytest.mark.parametrize(
    ("configured", "found"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:53", "192.0.2.1"),
        ("192.0.2.1:5353%eth0#dns.example", "192.0.2.1#5353"),
        ("192.0.2.1#dns.example", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:5353", "2001:db8::1#5353"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("dns.example", None),
    ],
)
def test_servers_as_resolved_writes_them(configured: str, found: str | None) -> None:
    settings = conf("/etc/systemd/resolved.conf", "[Resolve]", f"DNS={configured}")
    resolver = Resolver(STUB, active=RESOLVED, resolved_conf=settings)
    assert resolver.servers(BRIDGE) == ((found,) if found else ())


def test_a_server_with_a_port_gets_queries_there() -> None:
    settings = conf("/etc/systemd/resolved.conf", "[Resolve]", "DNS=192.0.2.1:5353 192.0.2.2")
    resolver = Resolver(STUB, active=RESOLVED, resolved_conf=settings)
    assert dns.plain(resolver.servers(BRIDGE)) == "nameserver 192.0.2.2\n"


def test_an_empty_line_resets_and_other_sections_and_ours_do_not_count() -> None:
    settings = (
        conf("/etc/systemd/resolved.conf", "[Resolve]", "DNS=192.0.2.1", "[Other]", "DNS=192.0.2.2")
        + conf("/etc/systemd/resolved.conf.d/a.conf", "[Resolve]", "DNS=", "DNS = 192.0.2.3", "FallbackDNS=192.0.2.9")
        + conf(RESOLVED_DROP_IN, "[Resolve]", "DNS=", f"DNS={BRIDGE}")
        + conf("/run/systemd/resolved.conf.d/zzz.conf", "[Resolve]", "DNS=192.0.2.4")
    )
    assert Resolver(STUB, active=RESOLVED, resolved_conf=settings).servers(BRIDGE) == ("192.0.2.3", "192.0.2.4")


def test_the_fallback_is_used_without_other_servers() -> None:
    settings = conf("/etc/systemd/resolved.conf", "[Resolve]", "FallbackDNS=192.0.2.9")
    assert Resolver(STUB, "", "", RESOLVED, frozenset(), settings).servers(BRIDGE) == ("192.0.2.9",)
    network = Resolver(STUB, "nameserver 192.0.2.1\n", "", RESOLVED, frozenset(), settings)
    assert network.servers(BRIDGE) == ("192.0.2.1",)


def test_where_signatures_are_wanted_consuls_domain_is_excepted() -> None:
    anchor = "/etc/dnssec-trust-anchors.d/rollcall.negative"
    settings = conf("/etc/systemd/resolved.conf", "[Resolve]", "DNSSEC=yes")
    resource = by_path(announced(BRIDGE, "lab.example", Resolver(STUB, active=RESOLVED, resolved_conf=settings)))[
        anchor
    ]
    assert isinstance(resource, File)
    assert resource.text == "lab.example\n"
    assert anchor not in present(announced(BRIDGE, "consul", Resolver(STUB, active=RESOLVED)))


def test_a_resolver_that_requires_tls_is_rejected_in_one_sentence(fleet: Fleet) -> None:
    settings = conf("/etc/systemd/resolved.conf", "[Resolve]", "DNSOverTLS=yes")
    strict = Resolver(STUB, active=RESOLVED, resolved_conf=settings)
    assert dns.unusable(fleet.member("app1"), strict).startswith("app1: DNSOverTLS: ")
    assert not dns.unusable(checked(dns={"enabled": False}).member("app1"), strict)
    relaxed = settings.replace("=yes", "=opportunistic")
    assert not dns.unusable(fleet.member("app1"), Resolver(STUB, active=RESOLVED, resolved_conf=relaxed))


@pytest.mark.parametrize(
    ("top", "named"),
    [
        ("# Generated by Connection Manager", "Connection Manager"),
        ("# This file is managed by puppet.", "puppet"),
        ("### autogenerated by netconfig!", "netconfig"),
        ("; Created by cloud-init", "cloud-init"),
        ("# This file was automatically generated by WSL. To stop this, see wsl.conf.", "WSL"),
        ("# Generated by NetworkManager", ""),
        ("# Dynamic resolv.conf(5) file for glibc resolver(3) generated by resolvconf(8)", ""),
        ("# Generated by dhcpcd from eth0.dhcp", ""),
        ("; generated by /usr/sbin/dhclient-script", ""),
        ("search lan", ""),
    ],
)
def test_a_writer_whom_nothing_holds_is_named(fleet: Fleet, top: str, named: str) -> None:
    sentence = dns.not_held(fleet.member("app1"), Resolver(f"{top}\nnameserver 192.0.2.1\n"))
    assert sentence.startswith(f"app1: /etc/resolv.conf: {named} writes this file") if named else not sentence


def test_a_client_that_writes_no_comment_is_named_while_it_runs(fleet: Fleet) -> None:
    resolver = read({"/etc/resolv.conf": "nameserver 192.0.2.1\n"}, "active udhcpc\n")
    assert dns.not_held(fleet.member("app1"), resolver).startswith("app1: /etc/resolv.conf: udhcpc writes this file")
    held = read({"/etc/resolv.conf": "nameserver 192.0.2.1\n"}, "active udhcpc\nprogram resolvconf\n")
    assert not dns.not_held(fleet.member("app1"), held)


def test_what_the_probe_prints_is_understood() -> None:
    lines = ["link /etc/x", "active NetworkManager", "program ip", "resolved # /a", "resolved [Resolve]"]
    printed = "\n".join([*lines, "resolved DNS=192.0.2.1", ""])
    resolver = read({"/etc/resolv.conf": "nameserver 192.0.2.7\n"}, printed)
    assert (resolver.link, resolver.active, resolver.programs) == ("/etc/x", {"NetworkManager"}, {"ip"})
    assert resolver.resolved_conf == "# /a\n[Resolve]\nDNS=192.0.2.1"
    assert resolver.servers(BRIDGE) == ("192.0.2.7",)


def test_the_probe_runs_wherever_there_is_a_shell() -> None:
    done = subprocess.run(["sh", "-c", PROBE], capture_output=True, text=True, check=False)
    assert read({}, done.stdout).link == str(Path("/etc/resolv.conf").resolve())


def test_the_probe_names_the_active_units(tmp_path: Path) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text("#!/bin/sh\necho 'systemd-resolved.service loaded active running Network Name Resolution'\n")
    systemctl.chmod(0o755)
    (tmp_path / "systemd-resolved.service").touch()
    probe = PROBE.replace("/run/systemd/system", str(tmp_path))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", probe], env=environment, capture_output=True, text=True, check=False)
    assert {"systemd", "systemd-resolved"} <= read({}, done.stdout).active
    assert "NetworkManager" not in read({}, done.stdout).active


def test_a_directory_that_a_deploy_created_is_removed_with_its_only_file(tmp_path: Path) -> None:
    """The command after a removed drop-in, on the test's directories instead of the host's."""
    withdrawal = by_path(withdrawn(BRIDGE, Host([], [], "stub").resolver()))[RESOLVED_DROP_IN]
    assert isinstance(withdrawal, AbsentFile)
    empty, used = tmp_path / "empty", tmp_path / "used"
    for directory in (empty, used):
        directory.mkdir()
    (used / "50-people.conf").touch()
    command = withdrawal.notify.replace("/etc/systemd/resolved.conf.d", str(empty))
    command = command.replace("/etc/dnssec-trust-anchors.d", str(used)).replace("systemctl", "true")
    subprocess.run(["sh", "-c", command], check=True)
    assert (empty.exists(), used.exists()) == (False, True)
