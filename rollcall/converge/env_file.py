"""Give a container secrets in its environment by an env-file that exists only while `docker run` reads it."""

import base64

# Root's own, in memory.
_FILE = "/run/rollcall-env"
# A lost connection would end the input early; docker skips a comment.
_END = "# complete"
# Docker's own limit of a line is 64 KiB.
LONGEST = 60_000


def wrapped(command: str) -> str:
    """Return a shell command that reads the env-file from standard input (base64); `$env` is its path in the command.

    A file that a killed one left behind goes with the next.
    """
    return f"{_MADE}; trap 'rm -f \"$env\"' EXIT; trap 'exit 1' HUP INT TERM; {_FILLED} && {command}"


def made() -> str:
    """Return a shell command that makes the env-file from standard input (base64) and prints its path.

    For a command that needs standard input for itself, and removes the file.
    """
    return f'{_MADE}; {_FILLED} && echo "$env"'


_MADE = (
    f"find /run -maxdepth 1 -name '{_FILE.rpartition('/')[2]}.*' -mmin +10 -delete; "
    f"env=$(mktemp {_FILE}.XXXXXX) || exit 1"
)
_FILLED = (
    'base64 -d >"$env" && '
    f"""{{ [ "$(tail -n 1 "$env")" = '{_END}' ] || {{ echo "the connection was lost" >&2; exit 1; }}; }}"""
)


def content(environment: tuple[tuple[str, str], ...]) -> str:
    """Return the standard input of a wrapped command."""
    lines = [*(f"{name}={value}" for name, value in environment), _END, ""]
    return base64.b64encode("\n".join(lines).encode()).decode()


def holds(value: str) -> bool:
    """Return whether an env-file can hold a value."""
    return not any(end in value for end in "\r\n") and len(value.encode()) <= LONGEST
