"""Run several tasks in parallel; the first failure interrupts the others."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from rollcall import command

Result = TypeVar("Result")


def run(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run every task in its own thread and return their results in order.

    Raises the exception of the first failing task, after all others have finished.
    """
    if not tasks:
        return []
    try:
        with ThreadPoolExecutor(len(tasks)) as pool:
            futures = [pool.submit(task) for task in tasks]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
                failed = _failed(futures)
                if failed:
                    raise failed[0]
            except BaseException:
                # Also after Ctrl-C. Leaving the pool waits for its threads, so their programs must exit.
                command.interrupt()
                raise
            return [future.result() for future in futures]
    finally:
        command.resume()


def _failed(futures: Sequence[Future[Result]]) -> list[BaseException]:
    return [error for future in futures if future.done() and (error := future.exception())]
