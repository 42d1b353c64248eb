"""`registrator`: the command line, and the threads that do its work."""

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
from rollcall.registrator.consul.agent_sync import GaveUpError, Writer
from rollcall.registrator.consul.token import token_from
from rollcall.registrator.docker.container import read_ip
from rollcall.registrator.docker.engine import Engine, EngineError, Inbox
from rollcall.registrator.docker.inspector import Inspector
from rollcall.registrator.flags import ONCE, PROGRAM, UsageError, parse, usage
from rollcall.registrator.healthcheck import arguments_of, first_process, healthy, status_endpoint
from rollcall.registrator.loop import Loop
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.once import Look
from rollcall.registrator.settings import Settings, settings_from
from rollcall.registrator.shutdown import deregister_all
from rollcall.registrator.status import STUCK_AFTER, Status, serve

VERSION = "0.3.0"
log = logging.getLogger(PROGRAM)


def main() -> int:
    """Run until SIGTERM or SIGINT.

    Services stay registered at the end, and the next registrator adopts them, unless -deregister-on-exit is given.
    """
    try:
        if sys.argv[1:] == ["healthy"]:
            well, answer = healthy(status_endpoint(first_process()))
            sys.stdout.write(f"{answer}\n")
            return 0 if well else 1
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
    """Give a look without flags (`once -dry`) those of the registrator that runs in the same container.

    Args:
        arguments: what was typed.
        first: the command line of the container's first process.
    """
    running = arguments_of(first)
    is_bare = arguments[:1] == [ONCE] and all(one.lstrip("-") == "dry" for one in arguments[1:])
    if not is_bare or not running or running[0] == ONCE:
        return arguments
    return [*arguments, *running]


def once(settings: Settings, *, dry: bool) -> int:
    """Look once, and show or register what is there. Returns the exit status."""
    try:
        look = Look(settings, Engine(os.environ))
        if dry:
            sys.stdout.write(f"{look.text()}\n")
            return 0
        return 0 if look.write() else 1
    except UsageError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    except EngineError as error:
        sys.stderr.write(
            f"{PROGRAM}: Docker does not answer ({error}): is its socket there, and may this user open it?\n"
        )
        return 1


def work(settings: Settings) -> int:
    """Start the threads that listen to Docker and answer about this process, and reconcile in this one."""
    log.info("registrator %s on %s, for Consul's agent at %s", VERSION, settings.hostname, settings.agent)
    inbox: Inbox = SimpleQueue()
    metrics = Metrics()
    try:
        engine = Engine(os.environ)
        writer = Writer(Agent(settings.agent, settings.token), settings, metrics)
    except UsageError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    loop = Loop(settings, engine, writer, inbox, metrics, inspector=Inspector(engine, inbox))
    if settings.status:
        try:
            serve(settings.status, lambda: _status(engine, writer, loop), metrics)
        except OSError as error:
            # Registering is what it is for: that goes on without anybody being able to ask.
            host, port = settings.status.host, settings.status.port
            log.warning("cannot listen at %s:%s for -status: %s", host, port, error.strerror or error)
    threading.Thread(target=engine.watch, args=(inbox,), daemon=True, name="docker-events").start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _deregister_and_leave if settings.deregister_on_exit else _leave)
    try:
        loop.run()
    except SystemExit:
        # A second signal does not wait for Consul.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _leave)
        # A connection of its own: the signal may have come in the middle of a request of the other.
        deregister_all(Agent(settings.agent, settings.token), settings.hostname)
        _end()
    except GaveUpError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
    return 1


def _status(engine: Engine, writer: Writer, loop: Loop) -> Status:
    turns = time.monotonic() - loop.turned_at < STUCK_AFTER
    return Status(docker=engine.listening, consul=writer.actual is not None, loop=turns)


def host_address(hostname: str) -> str:
    """This host's address as its own name resolves, IPv4 first; empty where no other host reaches it, as on Debian."""
    try:
        found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ""
    # An address with a zone means something on this host only.
    addresses = [ip for *_, place in found if (ip := read_ip(str(place[0]))) and "%" not in str(ip)]
    others = [ip for ip in addresses if not (ip.is_loopback or ip.is_link_local or ip.is_unspecified)]
    return str(min(others, key=lambda ip: ip.version, default=""))


def _deregister_and_leave(number: int, _: FrameType | None) -> None:
    log.info("%s: leaving, and deregistering this host's services", signal.Signals(number).name)
    raise SystemExit


def _leave(number: int, _: FrameType | None) -> None:
    log.info("%s: leaving, services stay registered", signal.Signals(number).name)
    _end()


def _end() -> NoReturn:
    # Not sys.exit: the other thread may be inside a read that would only end with the engine.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
