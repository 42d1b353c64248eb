"""Order and renew the certificate of one name after the other; several workers do so at the same time."""

import random
import threading
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rollcall.acme import account, certificate, schedule
from rollcall.acme.account import Account
from rollcall.acme.authority import Authority
from rollcall.acme.certificate import Issued
from rollcall.acme.consul import ConsulError
from rollcall.acme.locked_consul import LockedConsul
from rollcall.acme.log import write_line
from rollcall.acme.mirror import Mirror
from rollcall.acme.order_error import OrderError
from rollcall.acme.outage import Outage
from rollcall.acme.proof import Proof
from rollcall.acme.sealed import SealedError, Sealer
from rollcall.contract import acme_keys

# Without a Retry-After: Let's Encrypt counts most limits over hours.
LIMITED = timedelta(hours=1)


class Pause:
    """What all workers share: until when none asks the authority, since it said so, and who makes the account."""

    def __init__(self) -> None:
        """Start without a pause."""
        self._begin = self._end = datetime.min.replace(tzinfo=UTC)
        self._limited = ""
        self.account = threading.Lock()
        self.outage = Outage()

    def extend(self, now: datetime, end: datetime) -> None:
        """Let no worker begin another name until then."""
        self._begin, self._end = now, max(self._end, end) if self.holds(now) else end

    def limit(self, name: str, now: datetime, end: datetime) -> None:
        """Note a rate limit. It may be this name's own; all wait once two names met one, and no order succeeded."""
        if self._limited not in ("", name):
            self.extend(now, min(end, now + LIMITED))
        self._limited = name

    def works(self) -> None:
        """Note an order that succeeded."""
        self._limited = ""
        self.outage.works()

    def holds(self, now: datetime) -> bool:
        """Whether it is not over; a clock that was set back ends it."""
        return self._begin <= now < self._end


class Worker:
    """One of several; each has connections of its own."""

    def __init__(
        self,
        consul: LockedConsul,
        mirror: Mirror,
        sealer: Sealer,
        *,
        server: Authority,
        proof: Proof,
        pause: Pause,
    ) -> None:
        """Prepare; sends nothing yet."""
        self._consul = consul
        self._mirror = mirror
        self._server = server
        self._sealer = sealer
        self._proof = proof
        self._pause = pause

    def work(self, name: str, *, hurry: bool = False) -> None:
        """Order or renew one name's certificate, or ask when to; by what Consul has now, and no older copy.

        `hurry` ends the wait after an order that got no response.

        Raises:
            ConsulError: the agent does not respond, or another program took the lock meanwhile.
        """
        if not self._consul.holds_lock():
            return
        now, began = datetime.now(UTC), time.monotonic()
        state = schedule.trusted(schedule.read(self._consul.get(acme_keys.STATES + name)), now)
        if hurry and state.unreachable:
            state = replace(state, retry_at="")
        issued = self._issued(name)
        if schedule.is_moot(name, issued, state, self._server.directory, now):
            state = replace(state, error="", failures=0, retry_at="", unreachable=False)
            self._put_state(name, state)
        is_asked = self._consul.get(acme_keys.RENEWALS + name) is not None
        is_due = not self._pause.holds(now) and schedule.is_due(name, issued, state, self._server.directory, now)
        if not (is_asked or is_due):
            return
        try:
            self._use_account()
            if issued and issued.directory == self._server.directory and not is_asked:
                state = self._asked(name, issued, state, now)
                if schedule.next_try(name, issued, state, self._server.directory) > now:
                    return
            self._order(name)
        except OrderError as error:
            self._note_failure(name, state, error, began, is_asked=is_asked)
            if error.no_account:
                self._server.forget()
                self._consul.delete(self._account_key)
        except ConsulError:
            raise
        except Exception as error:
            # What nobody foresaw costs this name alone; the program would otherwise end for every name.
            write_line(traceback.format_exc())
            unforeseen = OrderError(f"unexpected: {type(error).__name__}: {error}")
            self._note_failure(name, state, unforeseen, began, is_asked=is_asked)
        finally:
            self._proof.withdraw(name)
            if is_asked:
                self._consul.delete(acme_keys.RENEWALS + name)

    def _order(self, name: str) -> None:
        self._proof.check(name)
        self._consul.check_lock()
        write_line(f"{name}: ordering a certificate from {self._server.directory}")
        issued = self._server.order(name, lambda *answer: self._proof.publish(name, *answer), self._consul.check_lock)
        key = acme_keys.CERTIFICATES + name
        value = self._sealer.seal(key, certificate.written(issued))
        self._consul.put(key, value)
        self._mirror.take_certificate(key, value)
        self._pause.works()
        self._put_state(name, schedule.State())
        write_line(f"{name}: has a certificate of {issued.issuer} until {issued.end:%Y-%m-%d}")

    def _asked(self, name: str, issued: Issued, state: schedule.State, now: datetime) -> schedule.State:
        """Ask the authority when to renew, if it is time to; without a response, the last advice holds."""
        if not schedule.advice_is_due(issued, state, now):
            return state
        try:
            renew_at, ask_at = self._server.advice(issued)
        except OrderError as error:
            if error.wrong_clock:
                raise
            write_line(f"{name}: {error}")
            renew_at, ask_at = schedule.renewal(name, issued, state), now + LIMITED
        state = schedule.advised(state, issued, renew_at, ask_at, now)
        self._put_state(name, state)
        return state

    def _note_failure(
        self, name: str, state: schedule.State, error: OrderError, began: float, *, is_asked: bool
    ) -> None:
        now = datetime.now(UTC)
        write_line(f"{name}: {error}")
        unreachable = error.everything and error.not_before is None
        if error.limited:
            self._pause.limit(name, now, error.not_before or now + LIMITED)
        elif unreachable:
            self._pause.outage.suspect(began)
        elif error.everything and error.not_before:
            self._pause.extend(now, error.not_before)
        following = schedule.failed(
            state,
            str(error),
            now,
            local=error.local,
            not_before=error.not_before,
            jitter=random.random(),  # noqa: S311 — spreads retries
            asked=is_asked,
            unreachable=unreachable,
        )
        self._put_state(name, following)

    def _put_state(self, name: str, state: schedule.State) -> None:
        self._consul.put(acme_keys.STATES + name, schedule.written(state))
        self._mirror.take_state(name, state)

    def _issued(self, name: str) -> Issued | None:
        key = acme_keys.CERTIFICATES + name
        value = self._consul.get(key)
        if value is None:
            return self._mirror.certificates.get(name)
        try:
            return certificate.read(self._sealer.open(key, value))
        except (SealedError, ValueError):
            # Another key encrypted it, such as that of a fleet before this one: order anew.
            return None

    @property
    def _account_key(self) -> str:
        return acme_keys.ACCOUNTS + certificate.short_digest(self._server.directory)

    def _use_account(self) -> None:
        key = self._account_key
        with self._pause.account:
            value = self._consul.get(key)
            found: Account | None = None
            if value is not None:
                try:
                    found = account.read(self._sealer.open(key, value))
                except (SealedError, ValueError) as error:
                    write_line(f"{error}; making another account")
            if found is None:
                self._server.forget()
                found = self._server.register()
                self._consul.put(key, self._sealer.seal(key, account.written(found)))
                write_line(f"has an account at {self._server.directory}")
        self._server.use(found)
