"""However many commands are run on a host at once, each gets a session of its sshd, which opens few at a time."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.pool import Pool
from paramiko import ChannelException, SSHException
from pyinfra.connectors.util import CommandOutput, OutputLine

from rollcall.deploy import callbacks
from rollcall.errors import RollcallError

COMMANDS = 40


class Sshd:
    """The sshd of some hosts, which opens some sessions at a time for each and refuses more."""

    def __init__(self, room: int, refusal: Exception) -> None:
        self.room, self.refusal = room, refusal
        self.open: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        self.refused = 0

    def host(self, name: str) -> Any:
        def run(command: Any, **_: Any) -> tuple[bool, CommandOutput]:
            if self.open[name] >= self.room:
                self.refused += 1
                raise self.refusal
            self.open[name] += 1
            rounds(3)
            self.served[name] += 1
            gevent.spawn(self._close, name)
            return True, CommandOutput([OutputLine("stdout", str(command))])

        return SimpleNamespace(name=name, state=None, run_shell_command=run)

    def _close(self, name: str) -> None:
        """A session counts for a moment after its command has ended."""
        rounds(1)
        self.open[name] -= 1


def rounds(count: int) -> None:
    """Let everybody else go on so many times."""
    for _ in range(count):
        gevent.sleep()


@pytest.fixture(autouse=True)
def without_pyinfra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands have no rights of their own, which a real host's state gives, and no pause between attempts."""
    monkeypatch.setattr(callbacks, "_POLL_SECONDS", 0)
    monkeypatch.setattr(callbacks, "pop_global_arguments", lambda *_: ({}, None))


def commands(sshd: Sshd, names: tuple[str, ...] = ("app1", "app2")) -> list[str]:
    hosts = [sshd.host(name) for name in names] * COMMANDS
    ran = Pool().map(lambda numbered: callbacks.run(numbered[1], f"echo {numbered[0]}"), enumerate(hosts))
    return [output.stdout for _, output in ran]


def test_no_session_is_refused_where_sshd_has_its_usual_number() -> None:
    sshd = Sshd(10, ChannelException(2, "Connect failed"))
    assert commands(sshd) == [f"echo {number}" for number in range(2 * COMMANDS)]
    assert sshd.refused == 0


@pytest.mark.parametrize("refusal", [ChannelException(2, "Connect failed"), SSHException("Unable to open channel.")])
def test_a_command_waits_for_a_session_where_sshd_allows_fewer(refusal: Exception) -> None:
    sshd = Sshd(2, refusal)
    assert commands(sshd) == [f"echo {number}" for number in range(2 * COMMANDS)]
    assert sshd.refused
    assert sshd.served == {"app1": COMMANDS, "app2": COMMANDS}


def test_an_sshd_that_opens_none_is_named_with_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "SESSION_SECONDS", 0.1)
    with pytest.raises(RollcallError, match=r"sshd of app1 opened no session within 0.1 s; .* raise MaxSessions"):
        callbacks.run(Sshd(0, ChannelException(2, "Connect failed")).host("app1"), "true")


@pytest.mark.parametrize("problem", [SSHException("SSH session not active"), EOFError(), OSError("Broken pipe")])
def test_a_command_that_may_have_begun_is_not_run_again(problem: Exception) -> None:
    sshd = Sshd(0, problem)
    with pytest.raises(RollcallError, match="the connection was lost"):
        callbacks.run(sshd.host("app1"), "true")
    assert sshd.refused == 1
