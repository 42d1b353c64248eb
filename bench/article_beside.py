"""Run the article's front on this machine, beside the lab's, following a service in the lab's Consul."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from balancers import FOLDER, IMAGE, TARGET, prepared
from loopback import container, process, until

from rollcall.errors import RollcallError
from rollcall.lab import hosts

# `AGENT` leads to the agent of a client, which wants a certificate of the fleet from anybody but its own host.
PORT, AGENT = 28520, 28521
LABEL = "article"
CONSUL = f"127.0.0.1:{AGENT}"
# A token's life; longer than a benchmark's.
TTL = "2h"


@contextmanager
def article_beside(inventory: str, service: str) -> Iterator[int]:
    """Yield the port on loopback at which the article's front serves the service.

    Raises:
        RollcallError: it does not respond in time; includes the end of its log.
    """
    engine = prepared(LABEL)
    with TemporaryDirectory(prefix="rollcall-bench-") as folder:
        script = Path(folder) / "start.sh"
        # In a file of its own, since what a container is started with can be read by everybody.
        script.touch(0o600)
        script.write_text(
            f"export CONSUL_HTTP_TOKEN={_token(inventory)}\nexec bash {TARGET}/article.sh {PORT} {CONSUL} {service}\n"
        )
        mounts = {FOLDER: TARGET, script: "/start.sh"}
        with (
            process(_tunnel(), Path(folder) / "tunnel.log"),
            container(engine, IMAGE, ["bash", "/start.sh"], mounts, LABEL),
        ):
            until(_responds, "a response of the article's front")
            yield PORT


def _tunnel() -> list[str]:
    *options, address = hosts.ssh_arguments(hosts.by_name("app1"))
    return [*options, "-N", "-L", f"{AGENT}:127.0.0.1:8500", address]


def _token(inventory: str) -> str:
    command = [sys.executable, "-m", "rollcall", "token", inventory, "--read-only", "--ttl", TTL]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    if done.returncode != 0:
        raise RollcallError(f"rollcall token exited with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def _responds() -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{PORT}/", timeout=5).status_code == 200
    except requests.RequestException:
        return False
