"""Mirror what Consul has on this front's volume: certificates, open challenges, and the state of each name.

The copies are served without Consul. What Consul lost, a program that holds the lock writes back from them.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from rollcall.acme import certificate, schedule
from rollcall.acme.certificate import Issued
from rollcall.acme.consul import Consul, ConsulError, pause_after_error
from rollcall.acme.log import write_line
from rollcall.acme.own_writes import OwnWrites
from rollcall.acme.sealed import SealedError, Sealer
from rollcall.acme.volume import Volume
from rollcall.contract import acme_keys
from rollcall.contract.acme_files import TOKEN, NameState

# How long after its end a certificate is kept that no front wants any more.
FORGOTTEN = timedelta(days=30)


class Mirror:
    """The copies; `certificates` and `states` are what was last read, by name."""

    def __init__(self, volume: Volume, sealer: Sealer, directory: str) -> None:
        """Start with the copies of the volume."""
        self._volume = volume
        self._sealer = sealer
        self._directory = directory
        self._lock = threading.Lock()
        self._own_certificates, self._own_states = OwnWrites(), OwnWrites()
        self.sealed: dict[str, bytes] = {}
        self.certificates: dict[str, Issued] = {}
        self.states: dict[str, schedule.State] = {}
        self.take_certificates({acme_keys.CERTIFICATES + name: value for name, value in volume.sealed().items()}, 0)

    def follow(self, connect: Callable[[], Consul]) -> None:
        """Follow Consul in threads of this process until it exits."""
        for prefix, take in (
            (acme_keys.CERTIFICATES, self.take_certificates),
            (acme_keys.CHALLENGES, self.take_challenges),
            (acme_keys.STATES, self.take_states),
        ):
            threading.Thread(target=_follow, args=(connect(), prefix, take), daemon=True).start()

    def take_certificates(self, entries: Mapping[str, bytes], began: float) -> bool:
        """Keep all certificates that Consul has. One that it no longer has stays until it is forgotten.

        A front that wants a name forgets none of it: it serves it, and what ended may only be this host's clock's view.
        `began` is when they were asked for, by the monotonic clock. Returns whether they are as new as what this
        program wrote.
        """
        old, wanted = datetime.now(UTC) - FORGOTTEN, self._volume.wanted()
        with self._lock:
            current = self._own_certificates.over(entries, began)
            self._keep(current)
            for name in [name for name, issued in self.certificates.items() if issued.end < old]:
                if name not in wanted and acme_keys.CERTIFICATES + name not in entries:
                    self._volume.drop(name)
                    del self.sealed[name], self.certificates[name]
            self._write_states()
        return current == entries

    def take_certificate(self, key: str, value: bytes) -> None:
        """Keep one certificate before Consul tells it."""
        with self._lock:
            self._own_certificates.note(key, value)
            self._keep({key: value})
            self._write_states()

    def _keep(self, entries: Mapping[str, bytes]) -> None:
        for key, value in entries.items():
            name = key.removeprefix(acme_keys.CERTIFICATES)
            if self.sealed.get(name) == value:
                continue
            try:
                issued = certificate.read(self._sealer.open(key, value))
            except (SealedError, ValueError) as error:
                write_line(f"{name}: {error}")
                continue
            self._volume.keep(name, value, issued.pem)
            self.sealed[name], self.certificates[name] = value, issued

    def take_states(self, entries: Mapping[str, bytes], began: float) -> bool:
        """Take the states of all names, as `take_certificates` does certificates."""
        with self._lock:
            current = self._own_states.over(entries, began)
            self.states = {key.removeprefix(acme_keys.STATES): schedule.read(value) for key, value in current.items()}
            self._write_states()
        return current == entries

    def take_state(self, name: str, state: schedule.State) -> None:
        """Take one state before Consul tells it."""
        with self._lock:
            self._own_states.note(acme_keys.STATES + name, schedule.written(state))
            self.states = {**self.states, name: state}
            self._write_states()

    def take_challenges(self, entries: Mapping[str, bytes], _began: float = 0) -> bool:
        """Let the front answer these challenges, and no others; nothing that was written is newer to it."""
        answers: dict[str, dict[str, str]] = {}
        for key, value in entries.items():
            name, _, token = key.removeprefix(acme_keys.CHALLENGES).partition("/")
            # Both become parts of a path.
            if TOKEN.fullmatch(token) and TOKEN.fullmatch(name.replace(".", "-")) and not name.startswith("."):
                answers.setdefault(name, {})[token] = value.decode()
        self._volume.answer(answers)
        return True

    def _write_states(self) -> None:
        names = {*self.certificates, *self.states}
        self._volume.write_states({name: self._state(name) for name in names})

    def _state(self, name: str) -> NameState:
        issued, state = self.certificates.get(name), self.states.get(name, schedule.State())
        following = schedule.next_try(name, issued, state, self._directory)
        when = following.isoformat() if following.year > 1 else ""
        if issued is None:
            return NameState(next_try=when, error=state.error)
        return NameState(
            issued.digest, issued.issuer, issued.begin.isoformat(), issued.end.isoformat(), when, state.error
        )


def _follow(consul: Consul, prefix: str, take: Callable[[Mapping[str, bytes], float], bool]) -> None:
    index, is_lost = 0, False
    while True:
        began = time.monotonic()
        try:
            following, entries = consul.below(prefix, index)
            is_newest = take(entries, began) if following != index or not index else True
            # Of two writes meanwhile nobody can tell which was the later one: read again, and wait for nothing.
            index, is_lost = max(following, 1) if is_newest else 0, False
        except (ConsulError, OSError, ValueError) as error:
            if not is_lost:
                write_line(f"cannot follow {prefix}: {error}")
            index, is_lost = 0, True
            pause_after_error()
