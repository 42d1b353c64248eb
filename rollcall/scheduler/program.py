"""The scheduler: one thread for each job of this host, and its figures for Prometheus."""

import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from rollcall.scheduler.consul import Consul, ConsulError
from rollcall.scheduler.engine import Engine
from rollcall.scheduler.job_loop import JobLoop
from rollcall.scheduler.log import write_line
from rollcall.scheduler.metrics import serve
from rollcall.scheduler.settings import CONFIGURATION, SOCKET, Settings, read

# In memory; the health check looks at its age.
ALIVE = Path("/run/rollcall/scheduler/alive")
LOOP_SECONDS = 5.0
# Longer than the longest pause and all time limits of one turn.
SILENT_SECONDS = 150.0


def main(stop: threading.Event, configuration: Path = CONFIGURATION, socket: str = SOCKET, alive: Path = ALIVE) -> int:
    """Run until the event is set; return the exit status. Runs go on meanwhile, and the next program takes them up."""
    try:
        settings = read((configuration / "scheduler.json").read_text())
        token = (configuration / "token").read_text().strip()
        alive.parent.mkdir(parents=True, exist_ok=True)
        consul, engine = Consul(settings.consul, settings.node, token), Engine(socket)
        loops = [JobLoop(job, consul, engine) for job in settings.jobs]
        serve(settings.port, loops)
    except (OSError, ValueError) as error:
        write_line(f"cannot start: {error}")
        return 1
    return _work(stop, settings, consul, loops, alive)


def _work(stop: threading.Event, settings: Settings, consul: Consul, loops: Sequence[JobLoop], alive: Path) -> int:
    broken = threading.Event()
    for loop in loops:
        threading.Thread(target=_watch, args=(loop, broken), daemon=True).start()
    tidy = False
    while not stop.wait(LOOP_SECONDS if alive.exists() else 0):
        if broken.is_set():
            return 1
        if all(time.monotonic() - loop.looked < SILENT_SECONDS for loop in loops):
            alive.touch()
        if not tidy:
            tidy = _release_others(consul, settings)
    return 0


def _watch(loop: JobLoop, broken: threading.Event) -> None:
    try:
        loop.run()
    except Exception:
        # A fault of ours: the engine starts the program anew, which takes up what runs.
        write_line(f"{loop.job.name}: {traceback.format_exc().strip()}")
        broken.set()


def _release_others(consul: Consul, settings: Settings) -> bool:
    try:
        consul.release_others({job.name for job in settings.jobs})
    except ConsulError:
        return False
    return True
