"""Run the first process of the container `templates`."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from rollcall.contract import template_settings as settings
from rollcall.contract.template_settings import Template
from rollcall.template_sync import status
from rollcall.template_sync.commands import Commands, Here
from rollcall.template_sync.destination import Destination
from rollcall.template_sync.follower import Follower
from rollcall.template_sync.guard import Guard
from rollcall.template_sync.inside import Inside


def main() -> int:
    """Follow all templates until SIGTERM; `templates healthy` prints the health instead."""
    if sys.argv[1:] == ["healthy"]:
        return _print_health()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(_follow())
    return 0


def _print_health() -> int:
    healthy, words = status.health(json.loads(settings.STATUS.read_text()))
    print(words)  # noqa: T201 - Docker stores the output of a health check
    return 0 if healthy else 1


async def _follow() -> None:
    node, templates = settings.read((settings.FOLDER / "templates.json").read_text())
    (settings.RUN / "staging").mkdir(parents=True, exist_ok=True)
    followers: list[Follower] = []

    def show() -> None:
        sights = [follower.sight for follower in followers]
        status.write(settings.STATUS, status.document(node, sights, datetime.now(UTC)))

    followers += [_follower(template, show) for template in templates]
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    # Each follower checks for itself whether it has a new rendering.
    loop.add_signal_handler(signal.SIGUSR1, _wake, followers)
    show()
    running = [asyncio.create_task(follower.run()) for follower in followers]
    ended = asyncio.create_task(stopped.wait())
    await asyncio.wait([*running, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
    results = await asyncio.gather(*running, return_exceptions=True)
    for problem in results:
        # A task that ended by itself is a fault in this program: Docker restarts the container.
        if isinstance(problem, Exception):
            raise problem


def _wake(followers: list[Follower]) -> None:
    for follower in followers:
        follower.wake()


def _follower(template: Template, show: Callable[[], None]) -> Follower:
    source = (settings.FOLDER / f"{template.name}.ctmpl").read_text(encoding="utf-8")
    commands: Commands = Inside(template, settings.ENGINE) if template.container else Here(template)
    return Follower(template, Guard(template, source, Destination(template), commands), source, show)


if __name__ == "__main__":
    sys.exit(main())
