"""Prove a name by a record in DNS (DNS-01): the user's program adds and removes it, since each provider differs."""

import json
import os
import subprocess
import threading

from rollcall.acme import name_servers
from rollcall.acme.consul import Consul
from rollcall.acme.log import write_line
from rollcall.acme.order_error import OrderError
from rollcall.acme.settings import Files, Hook
from rollcall.contract import acme_keys
from rollcall.contract.timeouts import stretched

HOOK_TIMEOUT_SECONDS = stretched(120)
# One call at a time: many a provider's API only replaces all values of a record together.
_TURN = threading.Lock()
# What a message shows of the program's output: its last line, up to here.
_LONGEST = 200


class DnsProof:
    """Records that the user's program adds."""

    def __init__(self, hook: Hook, files: Files, consul: Consul) -> None:
        """Prepare; runs nothing yet."""
        self._hook = hook
        self._files = files
        self._consul = consul

    def begin(self) -> None:
        """Remove the records that an earlier holder of the lock left."""
        for key in self._consul.keys(acme_keys.RECORDS):
            self.withdraw(key.removeprefix(acme_keys.RECORDS))

    def check(self, name: str) -> None:
        """Let every name pass: where it leads does not matter."""

    def publish(self, name: str, where: str, what: str) -> None:
        """Add a record, and wait until the zone's name servers have it."""
        # Before the record, so that whoever holds the lock next removes it.
        self._consul.put(acme_keys.RECORDS + name, json.dumps([where, what]).encode())
        self._run("add", where, what)
        name_servers.wait(where, what)

    def withdraw(self, name: str) -> None:
        """Remove a name's record; one that stays is harmless, so a failure is only logged."""
        value = self._consul.get(acme_keys.RECORDS + name)
        if value is None:
            return
        try:
            where, what = json.loads(value)
            self._run("remove", where, what)
        except (OrderError, ValueError) as error:
            write_line(f"{name}: its record stays in DNS: {error}")
        self._consul.delete(acme_keys.RECORDS + name)

    def _run(self, action: str, where: str, what: str) -> None:
        with _TURN:
            self._run_alone(action, where, what)

    def _run_alone(self, action: str, where: str, what: str) -> None:
        try:
            done = subprocess.run(
                [self._files.hook, action, where, what],
                check=False,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=HOOK_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise OrderError(
                f"the DNS hook's {action} did not end in {HOOK_TIMEOUT_SECONDS:g} s", local=True
            ) from error
        except OSError as error:
            raise OrderError(f"the DNS hook cannot be run: {error.strerror}", local=True) from error
        if done.returncode:
            said = self._last_line(done.stdout.decode(errors="replace"))
            raise OrderError(f"the DNS hook's {action} exited with {done.returncode}: {said}", local=True)

    def _environment(self) -> dict[str, str]:
        files = {_variable(name): str(self._files.hook_secrets / name) for name in self._hook.secrets}
        # The image's own packages, requests and dnspython among them, are for the program, too.
        inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {**inherited, **self._hook.environment, **files}

    def _last_line(self, output: str) -> str:
        """Return the last line without a secret in it: status and Consul show it."""
        for name in self._hook.secrets:
            output = output.replace((self._files.hook_secrets / name).read_text().strip(), "…")
        lines = output.strip().splitlines()
        return lines[-1][:_LONGEST] if lines else "it gives no reason"


def _variable(secret: str) -> str:
    return secret.upper().replace("-", "_") + "_FILE"
