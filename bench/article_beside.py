"""Run the article's front on this machine, beside the lab's, following a service in the lab's Consul."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from balancers import FOLDER, IMAGE, TARGET, prepared, responds
from loopback import container, process, until
from program import rollcall

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
        token = rollcall("token", inventory, "--read-only", "--ttl", TTL).strip()
        script = Path(folder) / "start.sh"
        # In a file of its own, since what a container is started with can be read by everybody.
        script.touch(0o600)
        script.write_text(
            f"export CONSUL_HTTP_TOKEN={token}\nexec bash {TARGET}/article.sh {PORT} {CONSUL} {service}\n"
        )
        mounts = {FOLDER: TARGET, script: "/start.sh"}
        with (
            process(_tunnel(), Path(folder) / "tunnel.log"),
            container(engine, IMAGE, ["bash", "/start.sh"], mounts, LABEL),
        ):
            until(lambda: responds(PORT), "a response of the article's front")
            yield PORT


def _tunnel() -> list[str]:
    *options, address = hosts.ssh_arguments(hosts.by_name("app1"))
    return [*options, "-N", "-L", f"{AGENT}:127.0.0.1:8500", address]
