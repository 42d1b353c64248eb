"""`registrator`: parse the command line and start the threads."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

from rollcall.registrator import logs
from rollcall.registrator.consul.agent import Agent
from rollcall.registrator.consul.agent_sync import AgentSync, GaveUpError
from rollcall.registrator.consul.token import token_from
from rollcall.registrator.docker.container import read_ip
from rollcall.registrator.docker.engine import Engine, EngineError, Inbox
from rollcall.registrator.docker.inspector import Inspector
from rollcall.registrator.flags import ONCE, PROGRAM, UsageError, parse, usage
from rollcall.registrator.healthcheck import arguments_of, first_process, healthy, status_endpoint
from rollcall.registrator.loop import Loop
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.once import Snapshot
from rollcall.registrator.settings import Settings, settings_from
from rollcall.registrator.shutdown import deregister_all
from rollcall.registrator.status import STUCK_SECONDS, Status, serve

VERSION = "0.7.0"
log = logging.getLogger(PROGRAM)


def main() -> int:
    """Run until SIGTERM or SIGINT. Services stay registered for the next registrator, unless -deregister-on-exit."""
    try:
        if sys.argv[1:] == ["healthy"]:
            is_healthy, text = healthy(status_endpoint(first_process()))
            sys.stdout.write(f"{text}\n")
            return 0 if is_healthy else 1
        line = parse(with_running_flags(sys.argv[1:], first_process()))
        if line.switch("help"):
            sys.stdout.write(f"{usage()}\n")
            return 0
        if line.switch("version"):
            sys.stdout.write(f"{VERSION}\n")
            return 0
        hostname = socket.gethostname()
        settings = settings_from(line, hostname, host_address(hostname), token_from(os.environ))
    except UsageError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    logs.configure(settings.log_format)
    return once(settings, dry=line.switch("dry")) if line.once else work(settings)


def with_running_flags(arguments: list[str], first: bytes) -> list[str]:
    """Add the running registrator's flags to a bare `once -dry` in its container.

    Args:
        arguments: the command line.
        first: the command line of the container's first process.
    """
    running = arguments_of(first)
    is_bare = arguments[:1] == [ONCE] and all(argument.lstrip("-") == "dry" for argument in arguments[1:])
    if not is_bare or not running or running[0] == ONCE:
        return arguments
    return [*arguments, *running]


def once(settings: Settings, *, dry: bool) -> int:
    """Register the running containers once, or show them. Return the exit status."""
    try:
        snapshot = Snapshot(settings, Engine(os.environ))
        if dry:
            sys.stdout.write(f"{snapshot.text()}\n")
            return 0
        return 0 if snapshot.write() else 1
    except UsageError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    except EngineError as error:
        sys.stderr.write(
            f"{PROGRAM}: Docker does not respond ({error}); check that its socket exists and this user may open it\n"
        )
        return 1


def work(settings: Settings) -> int:
    """Start the threads for Docker's events and for -status, and reconcile in this one."""
    log.info("registrator %s on %s, for Consul's agent at %s", VERSION, settings.hostname, settings.agent)
    inbox: Inbox = SimpleQueue()
    metrics = Metrics()
    try:
        engine = Engine(os.environ)
        agent_sync = AgentSync(Agent(settings.agent, settings.token), settings, metrics)
    except UsageError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    loop = Loop(settings, engine, agent_sync, inbox, metrics, inspector=Inspector(engine, inbox))
    if settings.status:
        try:
            serve(settings.status, lambda: _status(engine, agent_sync, loop), metrics)
        except OSError as error:
            # Registration matters more than its status.
            host, port = settings.status.host, settings.status.port
            log.warning("cannot listen on %s:%s for -status: %s", host, port, error.strerror or error)
    threading.Thread(target=engine.watch, args=(inbox,), daemon=True, name="docker-events").start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _deregister_and_exit if settings.deregister_on_exit else _exit)
    try:
        loop.run()
    except SystemExit:
        # A second signal does not wait for Consul.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _exit)
        # A separate connection: the signal may have interrupted a request of the other.
        deregister_all(Agent(settings.agent, settings.token), settings.hostname)
        _exit_now()
    except GaveUpError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
    return 1


def _status(engine: Engine, agent_sync: AgentSync, loop: Loop) -> Status:
    turns = time.monotonic() - loop.last_turn_at < STUCK_SECONDS
    return Status(docker=engine.listening, consul=agent_sync.actual is not None, loop=turns)


def host_address(hostname: str) -> str:
    """Resolve this host's name, IPv4 first; "" for an address that no other host reaches, as on Debian."""
    try:
        found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ""
    # An address with a zone is valid on this host only.
    addresses = [ip for *_, place in found if (ip := read_ip(str(place[0]))) and "%" not in str(ip)]
    others = [ip for ip in addresses if not (ip.is_loopback or ip.is_link_local or ip.is_unspecified)]
    return str(min(others, key=lambda ip: ip.version, default=""))


def _deregister_and_exit(number: int, _: FrameType | None) -> None:
    log.info("%s: exiting, and deregistering this host's services", signal.Signals(number).name)
    raise SystemExit


def _exit(number: int, _: FrameType | None) -> None:
    log.info("%s: exiting, services stay registered", signal.Signals(number).name)
    _exit_now()


def _exit_now() -> NoReturn:
    # Not sys.exit: it would wait for threads that read from the engine.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
