"""A real Debian machine, from its first deploy to the removal, in the order in which it happens."""

import pytest
from machine_user import User

# Outside the engine's own data, which pushed images are part of.
TRACES = {
    "containers": "docker ps --all --quiet --no-trunc",
    "networks": "docker network ls --format '{{.Name}}'",
    "volumes": "docker volume ls --quiet",
    "files": "find /etc /usr/local -newer /etc/machine-id ! -type d | grep -Ev '/(ld.so.cache|resolv.conf|adjtime)$'",
    "directories": "ls -d /etc/rollcall /etc/systemd/resolved.conf.d /etc/dnssec-trust-anchors.d",
    "resolver": "readlink /etc/resolv.conf; cat /etc/resolv.conf /run/systemd/resolve/resolv.conf",
    "rules": "ip rule",
    "units": "systemctl list-units --all --plain --no-legend 'rollcall*'",
    # Without containerd's, which gets another one with each boot.
    "ports": "ss --no-header --listening --tcp --udp --numeric --processes | grep -v '\"containerd\"' "
    "| awk '{ print $1, $5 }' | sort",
    "temporary": "ls -A /tmp /var/tmp | grep -v systemd-private",
}
# What a deploy that changes nothing leaves as it was.
CONVERGED = {
    "containers": "docker ps --all --no-trunc --format '{{.ID}} {{.Names}}' | sort",
    "files": "find /etc/rollcall /etc/systemd -printf '%p %T@ %m %u\\n' | sort",
    "resolved": "systemctl show --property MainPID systemd-resolved",
}


def seen(user: User, commands: dict[str, str]) -> dict[str, list[str]]:
    return {what: user.machine.run(f"({line}) 2>/dev/null; true").splitlines() for what, line in commands.items()}


@pytest.fixture(scope="session")
def before(user: User) -> dict[str, list[str]]:
    return seen(user, TRACES)


@pytest.mark.parametrize("login", ["root", "sudo"], scope="session")
class TestFromTheFirstDeployToTheRemoval:
    def test_the_first_deploy(self, user: User, before: dict[str, list[str]], login: str) -> None:
        user.logs_in_as(login)
        with user.measured(f"first deploy as {login}"):
            user.rollcall("deploy")

    def test_the_second_changes_nothing(self, user: User, login: str) -> None:
        then = seen(user, CONVERGED)
        assert then["containers"]
        with user.measured(f"second deploy as {login}"):
            user.rollcall("deploy")
        assert seen(user, CONVERGED) == then

    def test_verify(self, user: User, login: str) -> None:
        with user.measured(f"verify as {login}"):
            printed = user.rollcall("verify", "--disturb")
        assert "✗" not in printed

    def test_after_a_reboot(self, user: User, login: str) -> None:
        with user.measured(f"reboot as {login}"):
            user.machine.reboot()
        user.machine.wait_for("curl --silent --fail --output /dev/null http://127.0.0.1/")
        assert "✗" not in user.rollcall("verify")

    def test_removal_leaves_nothing(self, user: User, before: dict[str, list[str]], login: str) -> None:
        user.rollcall("remove", "--yes")
        assert seen(user, TRACES) == before
