"""Let pyinfra read an inventory in a process of its own: importing it patches sockets and threads."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from rollcall.errors import RollcallError

# Reading an inventory makes no connection, but its Python may do anything (ask a cloud for machines, say).
READ_TIMEOUT_SECONDS = 120

# pyinfra's own command line, but for how it describes the hosts. Imported nowhere, since only deploy knows pyinfra.
_READER = "rollcall.deploy.inventory_layers"

# What pyinfra prints around the reason for which it failed.
_PROGRESS = ("Loading ", "Disconnecting ", "The full traceback ", "If this is unexpected ")


def ask_pyinfra(source: str, root: Path) -> list[dict[str, Any]]:
    """Return the hosts of an inventory as pyinfra describes them.

    Raises:
        RollcallError: pyinfra cannot read it, or takes too long.
    """
    command = [sys.executable, "-m", _READER, "--chdir", str(root), source, "debug-inventory", "--json"]
    environment = {**os.environ, "PYINFRA_PROGRESS": "off", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=READ_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RollcallError(
            f"pyinfra did not finish reading the inventory {source} in {READ_TIMEOUT_SECONDS} seconds; "
            "look at what its Python waits for."
        ) from None
    if done.returncode != 0:
        raise RollcallError(_why_pyinfra_failed(source, done.stderr))
    # An inventory may print something of its own; pyinfra's JSON is the last line that is a list.
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("["):
            entries: list[dict[str, Any]] = json.loads(line)
            if entries and "problem" in entries[0]:
                raise RollcallError(entries[0]["problem"])
            return entries
    raise RollcallError(f"pyinfra printed no hosts for the inventory {source}; try `pyinfra {source} debug-inventory`.")


def _why_pyinfra_failed(source: str, stderr: str) -> str:
    lines = [line.strip().removeprefix("--> ") for line in stderr.splitlines()]
    reasons = [line for line in lines if line and not line.startswith(_PROGRESS)]
    reason = reasons[-1].rstrip(".") if reasons else "no reason given"
    file = re.search(r"An exception occurred in: (.+?):?$", stderr, re.MULTILINE)
    if file is None:
        return f"pyinfra cannot read the inventory {source}: {reason}."
    where = re.findall(rf'File "{re.escape(file[1])}", line (\d+)', stderr)
    line = f", line {where[-1]}" if where else ""
    return f"{file[1]}{line}, raised {reason}; an inventory and its group_data must load without an error."
