"""Measure requests lost while containers stop and start, with the registrator's drain and without it.

Two clients keep their connections to the lab's front and send requests back to back, while containers of app1 stop and
start one after the other. With drain a service leaves the catalog at the stop signal; with SERVICE_DRAIN=false only
after the container has stopped. The containers are copies of webserver-1 and are removed afterwards.
"""

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import click
from conditions import print_load, run
from rich.table import Table
from routing import LABEL, MODEL, Shell, first_answer, run_command, shell

from rollcall.config import inventory
from rollcall.console import out
from rollcall.remote import connectivity

CONTAINERS = 4
CLIENTS = 2


@dataclass
class Client:
    """One client with a persistent connection that counts its responses."""

    front: tuple[str, int]
    end: float
    responses: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        connection = http.client.HTTPConnection(*self.front, timeout=10)
        while time.monotonic() < self.end:
            try:
                connection.request("GET", "/json")
                response = connection.getresponse()
                response.read()
                self.responses["200" if response.status == 200 else f"status {response.status}"] += 1
            except (http.client.HTTPException, OSError) as error:
                self.responses[type(error).__name__] += 1
                connection.close()
        connection.close()


def one_phase(
    app: Shell, front: tuple[str, int], model: dict[str, dict[str, list[str]]], seconds: int, drain: str
) -> tuple[Counter[str], int]:
    """Return the responses of all clients, and the number of stops."""
    config = {**model["Config"], "Env": [*model["Config"]["Env"], f"SERVICE_DRAIN={drain}"]}
    names = [f"bench-{number}" for number in range(1, CONTAINERS + 1)]
    for name in names:
        app.run(f"{run_command({**model, 'Config': config}, name)} && echo")
        first_answer(front, name)
    clients = [Client(front, time.monotonic() + seconds) for _ in range(CLIENTS)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    stops = 0
    while any(thread.is_alive() for thread in threads):
        name = names[stops % CONTAINERS]
        app.run(f"docker stop {name} && docker start {name}")
        stops += 1
    responses: Counter[str] = sum((client.responses for client in clients), Counter())
    app.run(f"docker rm --force --volumes {' '.join(names)}")
    return responses, stops


@click.command()
@click.argument("source", metavar="INVENTORY", default="inventories/lab.py")
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(5), help="Duration of each phase.")
@click.option("--front", default="127.0.0.1:8080", show_default=True, help="Address of the front.")
def main(source: str, seconds: int, front: str) -> None:
    """Count the requests that fail while containers are stopped and started."""
    hosts = {host.name: host for host in inventory.read(source).hosts}
    connectivity.check(list(hosts.values()))
    address, _, port = front.partition(":")
    table = Table(title=f"{CLIENTS} keep-alive clients, {seconds} s each")
    for column in ("SERVICE_DRAIN", "stops", "requests", "failed", "which"):
        table.add_column(column, justify="left" if column == "which" else "right")
    with shell(hosts["app1"]) as app:
        model = json.loads(app.run(f"docker inspect --format '{{{{json .}}}}' {MODEL}"))
        try:
            for drain in ("true", "false"):
                responses, stops = one_phase(app, (address, int(port)), model, seconds, drain)
                failed = {kind: number for kind, number in responses.items() if kind != "200"}
                which = ", ".join(f"{number} {kind}" for kind, number in failed.items())
                table.add_row(drain, str(stops), str(responses.total()), str(sum(failed.values())), which)
        finally:
            app.send(f"docker ps -aq --filter label={LABEL} | xargs -r docker rm --force --volumes >/dev/null; echo")
            app.line()
    out.print(table)
    print_load()


if __name__ == "__main__":
    run(main)
