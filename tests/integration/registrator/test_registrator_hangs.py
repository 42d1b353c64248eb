"""An engine that hangs over one container: others come and go, and it goes at its end, too."""

import re
import socket
import threading
from contextlib import suppress
from pathlib import Path

from registrator_world import ENGINE_SOCKET, Agent, Run, Start
from waiting import always, until


class HangingOver:
    """A socket in front of Docker's, by which the inspection of one container is never answered."""

    def __init__(self, path: Path) -> None:
        self.uri = f"unix://{path}"
        self.hanging = ""
        self.hung = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(str(ENGINE_SOCKET))
            for pair in ((client, engine, True), (engine, client, False)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, requests: bool) -> None:
        # Either side may hang up at any time; the other end sees that by itself.
        with suppress(OSError):
            while data := source.recv(65536):
                if requests and self.hanging and re.search(rf"/containers/{self.hanging}".encode(), data):
                    self.hung += 1
                    return
                target.sendall(data)


def test_a_container_that_cannot_be_inspected_delays_no_other(
    start: Start, run: Run, agent: Agent, name: str, tmp_path: Path
) -> None:
    engine = HangingOver(tmp_path / "engine.sock")
    first = run("-first")
    start("-internal", docker_host=engine.uri)
    until(lambda: len(agent.catalog(name)) == 1, "the first")
    engine.hanging = str(first.id)
    first.rename(f"{name}-renamed")
    until(lambda: engine.hung, "an inspection that hangs")
    others = [run(f"-{number}") for number in range(3)]
    until(lambda: len(agent.catalog(name)) == 4, "three more", 2)
    others[0].kill()
    until(lambda: len(agent.catalog(name)) == 3, "one less", 1)
    first.kill()
    until(lambda: len(agent.catalog(name)) == 2, "the one that hangs, out at its end", 1)
    always(lambda: len(agent.catalog(name)) == 2, "and not back", 2)
