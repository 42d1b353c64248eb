"""The ACME program: follow Consul, and order certificates while holding the lock."""

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rollcall.acme import orderer
from rollcall.acme.authority import Authority
from rollcall.acme.consul import SESSION_TTL_SECONDS, Consul, ConsulError
from rollcall.acme.dns_proof import DnsProof
from rollcall.acme.http_proof import HttpProof
from rollcall.acme.log import write_line
from rollcall.acme.mirror import Mirror
from rollcall.acme.orderer import Orderer
from rollcall.acme.sealed import Sealer
from rollcall.acme.settings import CONFIGURATION, Files, Settings, read
from rollcall.acme.volume import Volume
from rollcall.contract import acme_keys
from rollcall.contract.acme_names import ordered_names

# In memory; the health check looks at its age.
ALIVE = Path("/run/rollcall/acme/alive")
LOOP_SECONDS = 1.0


class Program:
    """One run of the container."""

    def __init__(self, settings: Settings, files: Files, volume: Volume) -> None:
        """Prepare; sends nothing yet. Raises ValueError or OSError: a file is missing or wrong."""
        self._settings = settings
        self._token = files.token
        self._volume = volume
        sealer = Sealer(files.key)
        self._mirror = Mirror(volume, sealer, settings.directory)
        self._consul = self._connect()
        consul, server = self._connect(), Authority(settings, files)
        proof = DnsProof(settings.dns, files, consul) if settings.dns else HttpProof(settings, consul)
        self._orderer = Orderer(consul, self._mirror, server, sealer, proof)
        self._session = ""
        self._published = b""
        self._ordering_for = ""

    def _connect(self) -> Consul:
        return Consul(self._settings.consul, self._token)

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
        with suppress(ConsulError):
            if self._session:
                self._consul.destroy_session(self._session)

    def _step(self, stop: threading.Event) -> None:
        ALIVE.touch()
        session = self._session
        if not session:
            return
        wanted = self._volume.wanted()
        names = orderer.session_value(
            ordered_names(wanted, self._settings.names, wildcards=self._settings.dns is not None)
        )
        if names != self._published and self._consul.put(
            acme_keys.WANTED + self._settings.node, names, acquire=session
        ):
            # Not published while the session of an earlier run still holds the key.
            self._published = names
        if not self._holds_lock(session):
            self._ordering_for = ""
            return
        if self._ordering_for != session:
            self._orderer.begin()
            self._ordering_for = session
            write_line("orders the certificates of all fronts")
        for name in self._orderer.due(datetime.now(UTC)):
            if stop.is_set() or not self._holds_lock(session):
                return
            self._orderer.work(name)
            ALIVE.touch()

    def _holds_lock(self, session: str) -> bool:
        return session == self._session and self._consul.put(
            acme_keys.LOCK, self._settings.node.encode(), acquire=session
        )

    def _keep_session(self, stop: threading.Event) -> None:
        """Renew the session from a thread of its own: an order takes longer than the session lasts without it."""
        consul, is_lost = self._connect(), False
        while not stop.wait(SESSION_TTL_SECONDS / 3 if self._session else LOOP_SECONDS):
            try:
                if not (self._session and consul.renew_session(self._session)):
                    self._session, self._published = consul.create_session("rollcall acme", self._settings.node), b""
                is_lost = False
            except ConsulError as error:
                if not is_lost:
                    write_line(f"has no session: {error}")
                # Nobody knows whether it still exists.
                self._session, is_lost = "", True
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
