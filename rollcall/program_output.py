"""What a program that failed says: of its output, the line that gives the reason."""

import re

# Docker's command line ends every error with a hint: "Run 'docker run --help' for more information" since 27,
# "See 'docker run --help'." before (cli/command/cli.go, StatusError of cobra.go).
_HINT = re.compile(r"\s*(See|Run) 'docker [a-z -]*--help'")

# A longer line is data, such as a container's document, and may hold what is not for a terminal.
_LONGEST = 1000


def reason(*outputs: str) -> str:
    """Return the last line that says something, of the first of these outputs that has one; empty without any."""
    return next((line for output in outputs if (line := _last_line(output))), "")


def _last_line(output: str) -> str:
    told = (line.strip() for line in reversed(output.splitlines()) if _says_something(line))
    return next(told, "")


def _says_something(line: str) -> bool:
    return bool(line.strip()) and len(line) <= _LONGEST and not _HINT.match(line)
