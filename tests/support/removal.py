"""Remove a container, also where the engine is slow to."""

import sys

from docker.errors import APIError, NotFound
from docker.models.containers import Container
from waiting import until


def remove(container: Container) -> None:
    """Remove it with its volumes: on a busy machine the engine may give up on a process that takes long to die.

    One that stays would have the name and the volume of the next test's.
    """
    until(lambda: _is_removed(container), f"the removal of {container.name}", 60)


def _is_removed(container: Container) -> bool:
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return True
    except APIError as error:
        # pytest shows it if the time is over.
        sys.stderr.write(f"{error}\n")
        return False
    return True
