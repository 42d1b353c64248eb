"""consul-template as a program that is kept running: how it is started, when again, and what it complains of."""

import re
from pathlib import Path

# Seconds of life after which an end has nothing to do with the start.
SETTLED = 30.0
# The longest pause before a start, in seconds.
MAX_PAUSE_SECONDS = 7
# What it writes of an error: "2026/11/26 03:00:00 [ERR] (cli) what happened".
_COMPLAINT = re.compile(r"\[(?:WARN|ERR)\] \([a-z]+\) (?P<text>.*)")
# The line that follows each error of Consul's, without content.
_EMPTY = "sending server error back to caller"


def command(settings: Path, template: Path, rendered: Path, notified: int) -> tuple[str, ...]:
    """Start it for one template; the process with the number `notified` gets SIGUSR1 for each rendering."""
    # It would end when its command fails.
    notify = f"kill -USR1 {notified} || true"
    return ("consul-template", "-config", str(settings), "-template", f"{template}:{rendered}:{notify}")


def next_pause(pause: int, lived: float) -> int:
    """Give the seconds to wait before the next start, after the last pause and the seconds of life since."""
    return 0 if lived >= SETTLED else min(pause * 2 + 1, MAX_PAUSE_SECONDS)


def complaint(line: str) -> str:
    """Give the text of a line that tells an error, "" for any other line."""
    found = _COMPLAINT.search(line)
    return found["text"].strip() if found and not found["text"].endswith(_EMPTY) else ""
