"""The ACME program: follow Consul, and order certificates while holding the lock."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from rollcall.acme import orderer
from rollcall.acme.authority import Authority
from rollcall.acme.consul import SESSION_TTL_SECONDS, Consul, ConsulError
from rollcall.acme.dns_proof import DnsProof
from rollcall.acme.http_proof import HttpProof
from rollcall.acme.locked_consul import Lock, LockedConsul
from rollcall.acme.log import write_line
from rollcall.acme.mirror import Mirror
from rollcall.acme.orderer import Orderer
from rollcall.acme.proof import Proof
from rollcall.acme.sealed import Sealer
from rollcall.acme.settings import CONFIGURATION, Files, Settings, read
from rollcall.acme.volume import Volume
from rollcall.acme.worker import Pause, Worker
from rollcall.contract import acme_keys
from rollcall.contract.acme_names import ordered_names

# In memory; the health check looks at its age.
ALIVE = Path("/run/rollcall/acme/alive")
LOOP_SECONDS = 1.0
# Names in work at the same time. Most of an order is waiting; ten requests each stay far below authorities' limits.
WORKERS = 8


class Program:
    """One run of the container."""

    def __init__(self, settings: Settings, files: Files, volume: Volume) -> None:
        """Prepare; sends nothing yet. Raises ValueError or OSError: a file is missing or wrong."""
        self._settings = settings
        self._token = files.token
        self._volume = volume
        self._files = files
        self._sealer = Sealer(*files.keys)
        self._mirror = Mirror(volume, self._sealer, settings.directory)
        self._consul = self._connect()
        self._lock, self._pause = Lock(settings.node), Pause()
        self._proof = self._make_proof(self._connect_locked())
        self._orderer = Orderer(
            self._connect_locked(),
            self._mirror,
            self._sealer,
            pause=self._pause,
            directory=settings.directory,
            workers=[self._worker() for _ in range(WORKERS)],
            responds=Authority(settings, files).responds,
        )
        # One takes the front's names with it when it ends; what the other one wrote as the holder of the lock stays.
        self._presence = self._session = ""
        self._published = b""

    def _connect(self) -> Consul:
        return Consul(self._settings.consul, self._token)

    def _connect_locked(self) -> LockedConsul:
        return LockedConsul(self._settings.consul, self._token, self._lock)

    def _make_proof(self, consul: Consul) -> Proof:
        dns = self._settings.dns
        return DnsProof(dns, self._files, consul) if dns else HttpProof(self._settings, consul)

    def _worker(self) -> Worker:
        consul, server = self._connect_locked(), Authority(self._settings, self._files)
        proof = self._make_proof(consul)
        return Worker(consul, self._mirror, self._sealer, server=server, proof=proof, pause=self._pause)

    def run(self, stop: threading.Event) -> None:
        """Work until the event is set."""
        self._mirror.follow(self._connect)
        threading.Thread(target=self._keep_session, args=(stop,), daemon=True).start()
        is_lost = False
        while not stop.is_set():
            try:
                self._step(stop)
                is_lost = False
            except (ConsulError, OSError) as error:
                if not is_lost:
                    write_line(f"orders nothing for now: {error}")
                is_lost = True
            stop.wait(LOOP_SECONDS)
        self._orderer.end()
        with suppress(ConsulError):
            for session in filter(None, (self._presence, self._session)):
                self._consul.destroy_session(session)

    def _step(self, stop: threading.Event) -> None:
        ALIVE.touch()
        presence, session = self._presence, self._session
        if not (presence and session):
            return
        wanted = self._volume.wanted()
        names = orderer.session_value(
            ordered_names(wanted, self._settings.names, wildcards=self._settings.dns is not None)
        )
        if names != self._published and self._consul.put(
            acme_keys.WANTED + self._settings.node, names, acquire=presence
        ):
            # Not published while the presence of an earlier run still holds the key.
            self._published = names
        if not self._consul.put(acme_keys.LOCK, self._settings.node.encode(), acquire=session):
            if self._lock.session:
                # Taken away, as by somebody who deleted the key: the session would still hold what it wrote.
                self._lock.session = self._session = ""
                self._consul.destroy_session(session)
            return
        if self._lock.session != session:
            self._begin(session)
        self._orderer.work()

    def _begin(self, session: str) -> None:
        """Begin to order; without an agent, begin anew later."""
        self._lock.session = session
        try:
            self._proof.begin()
            self._orderer.begin()
        except ConsulError:
            self._lock.session = ""
            raise
        write_line("orders the certificates of all fronts")

    def _keep_session(self, stop: threading.Event) -> None:
        """Renew the sessions from a thread of its own: an order takes longer than they last without it."""
        consul, node, is_lost = self._connect(), self._settings.node, False
        while not stop.wait(SESSION_TTL_SECONDS / 3 if self._session else LOOP_SECONDS):
            try:
                if not (self._presence and consul.renew_session(self._presence)):
                    self._presence, self._published = consul.create_session("rollcall acme", node, keeps=False), b""
                if not (self._session and consul.renew_session(self._session)):
                    self._session = consul.create_session("rollcall acme orders", node, keeps=True)
                is_lost = False
            except ConsulError as error:
                if not is_lost:
                    write_line(f"has no session: {error}")
                # Nobody knows whether they still exist.
                self._presence = self._session = ""
                is_lost = True
            ALIVE.touch()


def main(stop: threading.Event) -> int:
    """Run until the container stops; return its exit status."""
    try:
        settings = read((CONFIGURATION / "acme.json").read_text())
        ALIVE.parent.mkdir(parents=True, exist_ok=True)
        program = Program(settings, Files(), Volume())
    except (OSError, ValueError) as error:
        write_line(f"cannot start: {error}")
        return 1
    program.run(stop)
    return 0


def is_alive(now: float | None = None, longest: float = 180) -> bool:
    """Whether the program has done something within this many seconds."""
    try:
        return (time.time() if now is None else now) - ALIVE.stat().st_mtime < longest
    except OSError:
        return False
