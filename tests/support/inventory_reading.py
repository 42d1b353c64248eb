"""Inventories read by pyinfra as always, but by forks of one process: to import pyinfra takes half a second."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from rollcall.config import inventory_reader

# Forks for each request, a line of JSON, and prints the exit status once the fork has written its output to the files.
SERVER = """
import json, os, sys, traceback
# Without gevent's care for a loop that does not run here.
from os import waitpid
from rollcall.deploy import inventory_layers
import pyinfra_cli.main
for line in iter(lambda: sys.stdin.buffer.readline(), b""):
    request = json.loads(line)
    child = os.fork()
    if child == 0:
        for descriptor, name in enumerate((os.devnull, request["stdout"], request["stderr"])):
            os.dup2(os.open(name, os.O_RDWR), descriptor)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = request["arguments"]
        status = 0
        try:
            inventory_layers.main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    os.write(1, b"%d\\n" % os.waitstatus_to_exitcode(waitpid(child, 0)[1]))
"""


class ForkingSubprocess:
    """What `inventory_reader` uses of the module subprocess."""

    DEVNULL, TimeoutExpired = subprocess.DEVNULL, subprocess.TimeoutExpired

    @staticmethod
    def run(command: list[str], *, env: dict[str, str], **options: Any) -> "subprocess.CompletedProcess[str]":
        assert command[:3] == [sys.executable, "-m", inventory_reader._READER]
        server = _server()
        assert server.stdin and server.stdout
        with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as err:
            request = {
                "arguments": command[2:],
                "environment": env,
                "folder": str(Path.cwd()),
                "stdout": out.name,
                "stderr": err.name,
            }
            server.stdin.write(json.dumps(request).encode() + b"\n")
            server.stdin.flush()
            return subprocess.CompletedProcess(command, int(server.stdout.readline()), out.read(), err.read())


@cache
def _server() -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYINFRA_PROGRESS": "off", "NO_COLOR": "1"}
    command = [sys.executable, "-c", SERVER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
