"""Several pieces of work at once; the first that fails ends the others."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from rollcall import command

Result = TypeVar("Result")


def run(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run every task in a thread of its own and return their results in order.

    Raises whatever the first failing task raised, after all others have ended.
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
                # Ctrl-C comes here too. Leaving the pool waits for its threads: their programs have to end.
                command.interrupt()
                raise
            return [future.result() for future in futures]
    finally:
        command.resume()


def _failed(futures: Sequence[Future[Result]]) -> list[BaseException]:
    return [error for future in futures if future.done() and (error := future.exception())]
