"""Rollcall's own ssh reaches a host as the inventory says, never prompts, and verifies host keys."""

from pathlib import Path

from rollcall.config.inventory import Host
from rollcall.remote import ssh


def options(host: Host) -> list[str]:
    return ssh.options(host)[1::2]


def test_a_known_hosts_file_is_the_only_one_believed() -> None:
    given = options(Host("a", "ssh", "a", known_hosts=Path("/lab/known hosts")))
    assert 'UserKnownHostsFile="/lab/known hosts"' in given
    assert "GlobalKnownHostsFile=/dev/null" in given
    assert "StrictHostKeyChecking=yes" in given


def test_without_one_pyinfras_own_default_counts() -> None:
    assert "StrictHostKeyChecking=accept-new" in options(Host("a", "ssh", "a"))


def test_ssh_never_prompts() -> None:
    given = options(Host("a", "ssh", "a", data={"ssh_strict_host_key_checking": "ask"}))
    assert "BatchMode=yes" in given
    assert "StrictHostKeyChecking=ask" not in given


def test_what_a_person_would_type() -> None:
    host = Host("a", "ssh", "127.0.0.1", 22011, "root", Path("/lab/id"), Path("/lab/known_hosts"))
    assert ssh.shown(host) == "ssh -i /lab/id -o UserKnownHostsFile=/lab/known_hosts -p 22011 root@127.0.0.1"


def test_what_a_person_would_type_with_sudo() -> None:
    host = Host("a", "ssh", "10.0.0.1", user="admin", data={"_sudo": True})
    assert ssh.shown(host, "docker logs front") == "ssh admin@10.0.0.1 'sudo docker logs front'"
    assert ssh.shown(host) == "ssh admin@10.0.0.1"
    here = Host("@local", "local", "127.0.0.1", data={"_sudo": True})
    assert ssh.shown(here, "docker logs front") == "sudo docker logs front"
