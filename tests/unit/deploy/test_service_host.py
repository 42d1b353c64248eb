"""However many services are released at once, a host's sshd opens all the sessions that they ask for."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.pool import Pool
from pyinfra.connectors.util import CommandOutput, OutputLine

from rollcall import sections
from rollcall.deploy import callbacks
from rollcall.deploy.services.service_host import ServiceHost

# MaxSessions in sshd_config(5), less pyinfra's own and that of the lock's renewal.
ROOM = 10 - 2


class Sshd:
    """Counts the sessions that are open at once."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.served = 0

    def run(self, host: Any, command: str, stdin: str = "") -> tuple[bool, CommandOutput]:
        self.open[host.name] += 1
        self.most[host.name] = max(self.most[host.name], self.open[host.name])
        gevent.sleep()
        self.open[host.name] -= 1
        self.served += 1
        return True, CommandOutput([OutputLine("stdout", line) for line in ("{}", f"{sections.MARKER} 200")])


@pytest.fixture
def sshd(monkeypatch: pytest.MonkeyPatch) -> Sshd:
    one = Sshd()
    monkeypatch.setattr(callbacks, "run", one.run)
    return one


def there(name: str, front: Any) -> ServiceHost:
    inventory = SimpleNamespace(get_host=lambda _: front)
    host: Any = SimpleNamespace(name=name, state=SimpleNamespace(inventory=inventory))
    return ServiceHost(host, SimpleNamespace(), SimpleNamespace(name=name), "token")  # type: ignore[arg-type]


def test_sessions_of_one_host_are_bounded_whoever_asks(sshd: Sshd) -> None:
    front = SimpleNamespace(name="front1", connected=True)
    hosts = [there(name, front) for name in ("app1", "app2")]
    asks = [
        ask for one in hosts for ask in (lambda one=one: one.run("true"), lambda one=one: one.try_on("front1", "true"))
    ]
    asks += [lambda one=one: one.read_key("/v1/kv/x") for one in hosts]
    Pool().map(lambda ask: ask(), asks * 20)
    assert sshd.served == len(asks) * 20
    assert sshd.most == {"app1": ROOM, "app2": ROOM, "front1": ROOM}
