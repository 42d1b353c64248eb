"""A clock for one container, which a test sets: libfaketime shows its program another time of day."""

import io
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
from front_world import LABELS
from image_for_tests import made

from rollcall.converge.resources import Mount

IMAGE = Path(__file__).parents[1] / "integration/front/clock"
_LIBRARY, _INSIDE = "libfaketime.so.1", "/run/rollcall-test-clock"


@dataclass
class Clock:
    """The clock; it starts right. What measures time that passes stays right."""

    folder: Path
    ahead: timedelta = timedelta()

    def set(self, ahead: timedelta) -> None:
        """Let it be wrong by this much."""
        self.ahead = ahead
        # In place: the container has this very file.
        (self.folder / "offset").write_text(f"{ahead.total_seconds():+.0f}\n")

    def advance(self, more: timedelta) -> None:
        """Let this much time pass."""
        self.set(self.ahead + more)

    def now(self) -> datetime:
        """Return the time that the program sees."""
        return datetime.now(UTC) + self.ahead

    @property
    def mount(self) -> Mount:
        """What the container needs."""
        return Mount(str(self.folder), _INSIDE)

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """The variables that the container needs."""
        return (
            ("LD_PRELOAD", f"{_INSIDE}/{_LIBRARY}"),
            ("FAKETIME_TIMESTAMP_FILE", f"{_INSIDE}/offset"),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
            # Of a program that changes its user, the new one could not open what the old one made.
            ("FAKETIME_DISABLE_SHM", "1"),
        )


def clock(engine: docker.DockerClient, folder: Path) -> Clock:
    """Make a clock."""
    folder.mkdir(mode=0o755, parents=True)
    container = engine.containers.create(made(engine, IMAGE), labels=LABELS)
    try:
        packed, _ = container.get_archive(f"/{_LIBRARY}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(packed))) as archive:
            archive.extractall(folder, filter="data")
    finally:
        container.remove(v=True)
    made_clock = Clock(folder)
    made_clock.set(timedelta())
    return made_clock
