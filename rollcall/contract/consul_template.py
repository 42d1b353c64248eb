"""Run consul-template: its command, its restart delays, and its error messages."""

import re
from pathlib import Path

# A process that ran for longer did not fail at its start.
SETTLED_SECONDS = 30.0
# The longest delay before a restart.
MAX_PAUSE_SECONDS = 7
# An error or warning: "2026/11/26 03:00:00 [ERR] (cli) what happened".
_COMPLAINT = re.compile(r"\[(?:WARN|ERR)\] \([a-z]+\) (?P<text>.*)")
# The contentless line that follows each of Consul's errors.
_EMPTY = "sending server error back to caller"


def command(settings: Path, template: Path, rendered: Path, notified: int) -> tuple[str, ...]:
    """Return its command for one template; the process `notified` receives SIGUSR1 for each rendering."""
    # consul-template exits when its command fails.
    notify = f"kill -USR1 {notified} || true"
    return ("consul-template", "-config", str(settings), "-template", f"{template}:{rendered}:{notify}")


def next_pause(pause: int, lived: float) -> int:
    """Return the seconds to wait before the next start, after the last pause and the seconds it ran since."""
    return 0 if lived >= SETTLED_SECONDS else min(pause * 2 + 1, MAX_PAUSE_SECONDS)


def complaint(line: str) -> str:
    """Return the text of an error line, "" for any other line."""
    found = _COMPLAINT.search(line)
    return found["text"].strip() if found and not found["text"].endswith(_EMPTY) else ""
