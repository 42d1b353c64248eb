"""Give files to the user of an image, whose name only the image itself knows."""

import shlex
from collections.abc import Sequence

from rollcall.converge.docker_query import LABEL

# No program of the image runs: its /etc/passwd is copied out of a container that never starts. By the label, a deploy
# removes one that was left behind.
_SCRIPT = """
user=$(docker image inspect --format '{{{{.Config.User}}}}' {image}) || exit 1
name=${{user%%:*}}
case $name in
  '') uid=0 ;;
  *[!0-9]*)
    container=$(docker create --network=none --label={label}=passwd {image} -) || exit 1
    uid=$(docker cp --follow-link "$container:/etc/passwd" - | tar -xO |
      awk -F: -v name="$name" '$1 == name {{ print $3 }}' | head -n 1)
    docker rm --volumes "$container" >/dev/null ;;
  *) uid=$name ;;
esac
[ -n "$uid" ] || {{ echo "the image "{image}" has no user $name in /etc/passwd" >&2; exit 1; }}
chown "$uid" {paths}
"""


def own(image: str, paths: Sequence[str]) -> str:
    """Return the shell command that gives files to the user of an image."""
    return f"({_SCRIPT.format(image=shlex.quote(image), paths=shlex.join(paths), label=LABEL).strip()})"
