"""Run pyinfra in this process: an inventory and a deploy file then cost one start of Python instead of three.

Importing pyinfra's command line makes the whole process's sockets and threads cooperative (gevent), so a command calls
`begin` before any other import.
"""

import contextlib
import io
import json
import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

import gevent
from gevent import monkey

from rollcall.config import project
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Entry, Inventory
from rollcall.config.inventory_reader import READ_TIMEOUT_SECONDS
from rollcall.errors import RollcallError

INTERRUPTED = 130
# The command line as the user typed it; pyinfra's own may hold data, which may be secret.
_typed = ["pyinfra"]


def command() -> str:
    """Return the command of this run, to show to other users."""
    return shlex.join(_typed)


def begin() -> None:
    """Prepare this process for pyinfra."""
    # gevent asks a dozen times for plugins, pyinfra and pydantic once each, and each time all packages would be read.
    packages = metadata.entry_points()
    metadata.entry_points = packages.select
    monkey.patch_all()
    _import_ssh()
    main = gevent.getcurrent()
    pending = None

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pending
        # gevent prints a traceback for KeyboardInterrupt but not for SystemExit.
        end = SystemExit(INTERRUPTED)
        # Raised here it may be lost: in another greenlet, such as an SSH connection's, it would end only that one, and
        # in a finalizer none. So it comes where the main one next waits, or here if somebody cannot wait for that.
        if pending and gevent.getcurrent() is main:
            pending.stop()
            raise end
        pending = gevent.get_hub().loop.run_callback(main.throw, end)

    signal.signal(signal.SIGINT, interrupt)


def _import_ssh() -> None:
    """Import pyinfra's SSH client, and spare it invoke: paramiko has it for `Match exec`, where pyinfra replaces it."""
    sys.modules["invoke"] = None  # type: ignore[assignment]
    import pyinfra.connectors.sshuserclient  # noqa: F401

    del sys.modules["invoke"]


def read(source: str, root: Path) -> Sequence[Entry]:
    """Read an inventory as `python -m rollcall.deploy.inventory_layers` prints it.

    Raises:
        RollcallError: its Python, or that of its group_data, fails or does not finish in time.
    """
    from pyinfra.api import State
    from pyinfra.api.exceptions import PyinfraError
    from pyinfra.context import ctx_state
    from pyinfra_cli.exceptions import UnexpectedExternalError
    from pyinfra_cli.inventory import make_inventory

    from rollcall.deploy import inventory_layers

    state = State()
    state.cwd = str(root)
    sys.path.append(str(root))
    with _in_folder(root), _in_time(source), ctx_state.use(state), contextlib.redirect_stdout(io.StringIO()):
        try:
            entries = inventory_layers.described(make_inventory(source, cwd=str(root)), source)
        except UnexpectedExternalError as error:
            raise RollcallError(_raised(error.filename, error.exception)) from None
        except PyinfraError as error:
            raise RollcallError(f"{source}: {error}" if source not in str(error) else str(error)) from None
        except RollcallError:
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, SystemExit) and error.code == INTERRUPTED:
                raise
            raise RollcallError(f"pyinfra cannot read the inventory {source}: {_summary(error)}") from None
    inventory_layers.remember(entries)
    return entries


def _raised(file: str, error: BaseException) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f", line {lines[-1]}" if lines else ""
    return f"{file}{where}, raised {_summary(error)}; an inventory and its group_data must load without an error."


def _summary(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip().rstrip(".")


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _in_time(source: str) -> Iterator[None]:
    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise RollcallError(
            f"pyinfra did not finish reading the inventory {source} in {READ_TIMEOUT_SECONDS} seconds; "
            "check what its Python waits for."
        )

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(READ_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(inventory: Inventory, name: str, options: Sequence[str], fleet: Fleet | None = None) -> None:
    """Run a deploy file on the hosts with pyinfra's command line and its output.

    Args:
        inventory: the hosts; `read` has read them.
        name: the deploy file's.
        options: pyinfra's.
        fleet: the fleet that the deploy file would read once more, if the command has it.

    Raises:
        RollcallError: it did not succeed on every host.
    """
    import click
    import pyinfra
    from pyinfra.api.output import set_echo, set_formatter
    from pyinfra_cli.cli import cli
    from pyinfra_cli.exceptions import WrappedError

    from rollcall.deploy import this_run

    if fleet:
        this_run.know(fleet)
    pyinfra.is_cli = True
    set_formatter(click.style)
    set_echo(click.echo)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.chdir(inventory.root)
    arguments = [inventory.source, str(_deploy_file(inventory.root, name)), *options]
    _typed[:] = ["rollcall", *sys.argv[1:]]
    # The deploy reads its inventory's path from here.
    sys.argv = ["pyinfra", *arguments]
    try:
        cli(arguments, prog_name="pyinfra", standalone_mode=False)
    except WrappedError as error:
        raise RollcallError(_words(str(error.message), name)) from None
    except click.ClickException as error:
        if (inner := getattr(error, "exception", None)) is None:
            raise RollcallError(_words(error.format_message(), name)) from None
        raise _fault_in_project(inner) or inner from None
    except SystemExit as end:
        if end.code == INTERRUPTED:
            raise KeyboardInterrupt from None
        if end.code:
            raise RollcallError(_not_everywhere(name)) from None


# pyinfra's words when the last host failed.
_NO_HOST_LEFT = "No hosts remaining"


def _words(text: str, name: str) -> str:
    return _not_everywhere(name) if text.startswith(_NO_HOST_LEFT) else text


def _not_everywhere(name: str) -> str:
    return (
        f"{name} did not succeed on every host; what succeeded stays. "
        "Fix what the lines above name, and run the same command again"
    )


@contextlib.contextmanager
def reported(dry: bool) -> Iterator[None]:
    """Print the result of the block's run as one JSON document; all other output goes to stderr."""
    started = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        seconds = round(time.monotonic() - started, 1)
        print(json.dumps({"dry": dry, "seconds": seconds, **_outcome(dry)}, indent=2))  # noqa: T201


def changed_hosts(dry: bool) -> tuple[str, ...]:
    """Return the hosts on which the run changed anything, or a dry run would have; waiting is no change."""
    from rollcall.deploy.readiness import CONSUL_IS_READY, CONTAINERS_STAY_UP

    changes = [one for one in _outcome(dry)["operations"] if one["name"] not in (CONSUL_IS_READY, CONTAINERS_STAY_UP)]
    return tuple(sorted({host for change in changes for host in change["changed"]}))


def _outcome(dry: bool) -> Mapping[str, Any]:
    """Return what the run did, or what a dry run would have done: the hosts by operation."""
    from pyinfra.context import ctx_state
    from pyinfra_cli.prints import build_plan_json, build_results_json

    if not ctx_state.isset():
        return {"operations": [], "failed_hosts": []}
    state = ctx_state.get()
    if dry:
        plan = build_plan_json(state)
        return {
            "operations": [
                {"name": ", ".join(operation["names"]), "changed": operation["hosts_with_change"]}
                for operation in plan
                if operation["hosts_with_change"]
            ],
            "failed_hosts": sorted(host.name for host in state.failed_hosts),
        }
    results = build_results_json(state)
    return {
        "operations": [
            {
                "name": ", ".join(operation["names"]),
                "changed": operation["success"],
                "unchanged": operation["no_change"],
                "failed": operation["error"],
            }
            for operation in results["operations"]
        ],
        "failed_hosts": results["failed_hosts"],
    }


def _fault_in_project(error: BaseException) -> RollcallError | None:
    """Return an error for a fault in one of the user's own files, such as the project's deploy.py."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    if not last.filename.endswith(".py") or "site-packages" in last.filename:
        return None
    if Path(last.filename).is_relative_to(project.PACKAGE):
        return None
    return RollcallError(f"{last.filename}:{last.lineno}: raised {_summary(error)}")


def _deploy_file(root: Path, name: str) -> Path:
    """Return the project's own file of that name, or Rollcall's."""
    return root / name if (root / name).is_file() else project.shipped(".") / name
