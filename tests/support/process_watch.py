"""What the arguments and environments of processes show while something runs."""

import threading
from pathlib import Path


class Watch:
    """Reads the arguments and environments of all processes again and again: of this machine and of the lab's hosts."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._end.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for file in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / file).read_bytes())
                    except OSError:  # it has ended
                        break

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def text(self) -> str:
        return b"\n".join(self.seen).decode(errors="replace")
