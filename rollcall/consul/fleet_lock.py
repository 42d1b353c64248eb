"""Take, renew and give back the fleet's lock, through the first Consul agent that responds."""

import json
import os
import time
from collections.abc import Sequence

from rollcall import who
from rollcall.config.inventory import Host
from rollcall.consul import deploy_lock
from rollcall.consul.agent_client import NOT_FOUND, OK, AgentClient, Request
from rollcall.consul.curl import Response
from rollcall.consul.deploy_lock import Holder, Lock
from rollcall.errors import RollcallError

TAKEN = "true"
SERVER_ERROR = 500
# Longer than Consul keeps a lock from everybody after its session ended (deploy_lock's LockDelay).
DELAY_SECONDS = 3.0
POLL_SECONDS = 0.3
CHANGED = "another deploy has changed this fleet since this one read it; run the same command again"


def this_process(command: str) -> Holder:
    """Return who holds a lock of this process, which runs that command."""
    return Holder(who.user(), command, who.now(), who.machine(), os.getpid())


def has_ended(holder: Holder) -> bool:
    """Return whether the process of a holder is known to have ended, so that nobody needs to wait for it."""
    return who.has_ended(holder.machine, holder.process)


class FleetLock:
    """The lock of one run.

    Args:
        agents: hosts whose Consul agents are asked, one after the other until one responds.
        token: a token that may write keys and sessions.
        holder: who deploys.
    """

    def __init__(self, agents: Sequence[Host], token: str, holder: Holder) -> None:
        """Take who deploys; send no request yet."""
        self._agents = agents
        self._token = token
        self._holder = holder
        self._session = ""

    def acquire(self, seen: Lock | None) -> str:
        """Take the lock and keep it; return why this deploy has none, or "".

        Without a Consul there is no lock, and nothing to say: a deploy is how a fleet begins, and is mended.

        Args:
            seen: the lock as it was read with the hosts, None if it was not.

        Raises:
            RollcallError: another deploy has it, or has changed the hosts since they were read.
        """
        created = self._ask(deploy_lock.create_session())
        if created is None or created.status != OK:
            return str(created or "")
        self._session = str(json.loads(created.body)["ID"])
        done, found, lock = self._try_for_a_while()
        if done is None or done.status != OK or lock is None:
            self.release()
            return str(done or found or "")
        if done.body.strip() == TAKEN and (seen is None or lock.times == seen.times + 1):
            return ""
        self.release()
        raise RollcallError(CHANGED if done.body.strip() == TAKEN or not lock.holder else lock.holder.sentence)

    def _try_for_a_while(self) -> tuple[Response | None, Response | None, Lock | None]:
        """Ask for the lock while nobody holds it, or one who was killed, whose session ends here.

        Returns both responses, and the lock as the second one shows it.
        """
        end, released = time.monotonic() + DELAY_SECONDS, ""
        while True:
            # A request that began earlier may have come before the end of Consul's delay, whenever its response came.
            is_last = time.monotonic() > end
            done = self._ask(deploy_lock.acquire(self._session, self._holder))
            found = self._ask(Request("GET", deploy_lock.PATH))
            lock = deploy_lock.read(found.body) if found and found.status == OK else None
            if lock and lock.holder and lock.session != released and has_ended(lock.holder):
                released = lock.session
                self._ask(deploy_lock.release(released))
                end = time.monotonic() + DELAY_SECONDS
            elif lock is None or lock.session or is_last:
                return done, found, lock
            time.sleep(POLL_SECONDS)

    def renew(self) -> str:
        """Keep the lock for another TTL; take it again if Consul has lost it. Return why it is lost, or ""."""
        renewed = self._ask(deploy_lock.renew(self._session)) if self._session else None
        if renewed is None or renewed.status != NOT_FOUND:
            return ""
        self._session = ""
        try:
            return self.acquire(None)
        except RollcallError as problem:
            return str(problem)

    def release(self) -> None:
        """Give the lock back; Consul may be gone by now."""
        session, self._session = self._session, ""
        if session:
            self._ask(deploy_lock.release(session))

    def _ask(self, request: Request) -> Response | None:
        """Send a request to the first agent that responds and knows a leader; None if none responds.

        One that is cut off from the others says so by an error of its own, while they have a leader.
        """
        last = None
        for host in self._agents:
            try:
                last = AgentClient(host, self._token, detached=True).response(request)
            except RollcallError:
                continue
            if last.status < SERVER_ERROR:
                break
        return last
