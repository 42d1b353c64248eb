"""Order and renew certificates, while this program holds the lock: at any time one of all fronts does."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from rollcall.acme import authority, certificate, schedule
from rollcall.acme.authority import Account, Authority, OrderError
from rollcall.acme.certificate import Issued
from rollcall.acme.consul import Consul
from rollcall.acme.log import write_line
from rollcall.acme.mirror import Mirror
from rollcall.acme.proof import Proof
from rollcall.acme.sealed import SealedError, Sealer
from rollcall.contract import acme_keys

# Without a Retry-After: Let's Encrypt counts most limits over hours.
LIMITED = timedelta(hours=1)
UNREACHABLE = timedelta(minutes=1)
# After its certificate ended.
FORGOTTEN = timedelta(days=30)


class Orderer:
    """What the holder of the lock does."""

    def __init__(self, consul: Consul, mirror: Mirror, server: Authority, sealer: Sealer, proof: Proof) -> None:
        """Prepare; sends nothing yet."""
        self._consul = consul
        self._mirror = mirror
        self._server = server
        self._sealer = sealer
        self._proof = proof
        self._paused_until = datetime.min.replace(tzinfo=UTC)

    def begin(self) -> None:
        """End what an earlier holder of the lock left open, and forget names that nobody has routed for long.

        Raises:
            ConsulError: the agent does not respond.
        """
        self._proof.begin()
        old, wanted = datetime.now(UTC) - FORGOTTEN, self._wanted()
        for name, issued in dict(self._mirror.certificates).items():
            if issued.end < old and name not in wanted:
                self._consul.delete(acme_keys.CERTIFICATES + name)
                self._consul.delete(acme_keys.STATES + name)

    def due(self, now: datetime) -> list[str]:
        """Return the names to work on now, by the copies of what Consul has.

        Raises:
            ConsulError: the agent does not respond.
        """
        self._restore()
        renewals = self._keys(acme_keys.RENEWALS)
        if now < self._paused_until and not renewals:
            return []
        certificates, states = self._mirror.certificates, self._mirror.states
        return [
            name
            for name in self._wanted()
            if name in renewals
            or _is_due(name, certificates.get(name), states.get(name, schedule.State()), self._server.directory, now)
        ]

    def work(self, name: str) -> None:
        """Order or renew one name's certificate, or ask when to; by what Consul has now, and no older copy.

        Raises:
            ConsulError: the agent does not respond.
        """
        now = datetime.now(UTC)
        state = schedule.read(self._consul.get(acme_keys.STATES + name))
        issued = self._issued(name)
        is_asked = self._consul.get(acme_keys.RENEWALS + name) is not None
        if not (is_asked or _is_due(name, issued, state, self._server.directory, now)):
            return
        try:
            self._use_account()
            if issued and issued.directory == self._server.directory and not is_asked:
                state = self._asked(name, issued, state, now)
                if schedule.next_try(name, issued, state, self._server.directory) > now:
                    return
            self._order(name)
        except OrderError as error:
            self._note_failure(name, state, error)
            if error.no_account:
                self._server.forget()
                self._consul.delete(self._account_key)
        finally:
            self._proof.withdraw(name)
            if is_asked:
                self._consul.delete(acme_keys.RENEWALS + name)

    def _order(self, name: str) -> None:
        self._proof.check(name)
        write_line(f"{name}: ordering a certificate from {self._server.directory}")
        issued = self._server.order(name, lambda *answer: self._proof.publish(name, *answer))
        key = acme_keys.CERTIFICATES + name
        value = self._sealer.seal(key, certificate.written(issued))
        self._consul.put(key, value)
        self._mirror.take_certificates({key: value})
        self._put_state(name, schedule.State())
        write_line(f"{name}: has a certificate of {issued.issuer} until {issued.end:%Y-%m-%d}")

    def _asked(self, name: str, issued: Issued, state: schedule.State, now: datetime) -> schedule.State:
        """Ask the authority when to renew, if it is time to; without a response, the last advice holds."""
        if not schedule.advice_is_due(issued, state, now):
            return state
        try:
            renew_at, ask_at = self._server.advice(issued)
        except OrderError as error:
            write_line(f"{name}: {error}")
            renew_at, ask_at = schedule.renewal(name, issued, state), now + LIMITED
        state = schedule.advised(state, issued, renew_at, ask_at)
        self._put_state(name, state)
        return state

    def _note_failure(self, name: str, state: schedule.State, error: OrderError) -> None:
        now = datetime.now(UTC)
        write_line(f"{name}: {error}")
        if error.everything:
            self._paused_until = error.not_before or now + (UNREACHABLE if error.local else LIMITED)
        jitter = random.random()  # noqa: S311 — spreads retries
        self._put_state(
            name,
            schedule.failed(state, str(error), now, local=error.local, not_before=error.not_before, jitter=jitter),
        )

    def _put_state(self, name: str, state: schedule.State) -> None:
        self._consul.put(acme_keys.STATES + name, schedule.written(state))
        self._mirror.take_state(name, state)

    def _wanted(self) -> tuple[str, ...]:
        """Return the names that the running fronts want."""
        names: set[str] = set()
        for value in self._consul.below(acme_keys.WANTED)[1].values():
            names.update(map(str, json.loads(value)))
        return tuple(sorted(names))

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

    def _restore(self) -> None:
        """Write back certificates that Consul lost."""
        missing = set(self._mirror.sealed) - self._keys(acme_keys.CERTIFICATES)
        for name in missing:
            if self._consul.put(acme_keys.CERTIFICATES + name, self._mirror.sealed[name], cas="0"):
                write_line(f"{name}: Consul had lost its certificate; written back")

    def _keys(self, prefix: str) -> set[str]:
        return {key.removeprefix(prefix) for key in self._consul.keys(prefix)}

    @property
    def _account_key(self) -> str:
        return acme_keys.ACCOUNTS + certificate.short_digest(self._server.directory)

    def _use_account(self) -> None:
        key = self._account_key
        value = self._consul.get(key)
        account: Account | None = None
        if value is not None:
            try:
                account = authority.read(self._sealer.open(key, value))
            except (SealedError, ValueError) as error:
                write_line(f"{error}; making another account")
        if account is None:
            self._server.forget()
            account = self._server.register()
            self._consul.put(key, self._sealer.seal(key, authority.written(account)))
            write_line(f"has an account at {self._server.directory}")
        self._server.use(account)


def _is_due(name: str, issued: Issued | None, state: schedule.State, directory: str, now: datetime) -> bool:
    """Whether to order, to renew, or to ask the authority when to renew."""
    if schedule.next_try(name, issued, state, directory) <= now:
        return True
    retries = bool(state.retry_at) and datetime.fromisoformat(state.retry_at) > now
    return issued is not None and not retries and schedule.advice_is_due(issued, state, now)


def session_value(names: Iterable[str]) -> bytes:
    """Return the value of a front's wanted names."""
    return json.dumps(sorted(names)).encode()
