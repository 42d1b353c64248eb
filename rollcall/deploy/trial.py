"""Replace a component's containers on one host first, and on the others only once those of the first work."""

import json
from collections.abc import Callable, Generator, Iterable

from gevent.lock import BoundedSemaphore
from pyinfra.api.command import PyinfraCommand
from pyinfra.api.host import Host
from typing_extensions import override

from rollcall.converge import health_check
from rollcall.deploy import callbacks
from rollcall.deploy.readiness import ContainersStayUp
from rollcall.program_output import reason

Command = str | PyinfraCommand


class Trial:
    """The hosts of this run where containers of one component are replaced.

    A version that does not work then costs one host: what all others run stays.
    """

    def __init__(self, component: str) -> None:
        """Take the component's name; no host has joined yet."""
        self._component = component
        self._hosts: set[str] = set()
        self._first = BoundedSemaphore()
        self._passed = False
        self._failed = ""

    def join(self, host: str) -> None:
        """Note a host that replaces containers, before the first of them does."""
        self._hosts.add(host)

    def commands(
        self, host: str, changes: Iterable[Command], check: Command, refuse: Callable[[str], Command]
    ) -> Generator[Command, None, None]:
        """Yield a host's commands as soon as it may run them; one that fails ends this generator.

        Whoever comes first is tried, since pyinfra does not say whom it lets begin.

        Args:
            host: its name.
            changes: the commands that replace its containers.
            check: the command that fails unless they work.
            refuse: makes the command that fails with a reason.
        """
        if len(self._hosts) > 1 and not self._passed:
            with self._first:
                if self._failed:
                    yield refuse(self._failed)
                if not self._passed:
                    self._failed = f"{self._component} does not work on {host}, which was the first; fix it"
                    yield from changes
                    yield check
                    self._failed, self._passed = "", True
                    return
        yield from changes


class ContainersWork(ContainersStayUp):
    """Containers keep running, their own health checks pass now, and the host notices that they do their work."""

    def __init__(self, names: tuple[str, ...], deadline: float, trials: Iterable[str] = ()) -> None:
        """Take the containers' names, and the commands by which the host notices."""
        super().__init__(names, deadline)
        self._trials = tuple(trials)

    @override
    def missing(self, host: Host) -> list[str]:
        if unsteady := super().missing(host):
            return unsteady
        _, output = callbacks.run(host, f"docker inspect --type=container {' '.join(self.names)}")
        found = json.loads(output.stdout)
        checks = {one["Name"].lstrip("/"): health_check.command(one) for one in found}
        failing = [
            f"{name} fails its own health check: {why}"
            for name, check in checks.items()
            if check and (why := _failure(host, check))
        ]
        return failing or [why for trial in self._trials if (why := _failure(host, trial))]


def _failure(host: Host, check: str) -> str:
    passes, output = callbacks.run(host, check)
    return "" if passes else reason(output.stderr, output.stdout) or "no reason given"
