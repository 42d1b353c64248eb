"""Use an image registry from a host's engine: pull with a login, and resolve tags to digests."""

import base64
import json
from collections.abc import Iterable, Mapping
from itertools import zip_longest

from rollcall.converge.docker_query import LABEL, SOCKET

# Root's own, in memory; what a killed command left behind goes with the next.
_FOLDER = "/run/rollcall-registry"
_PRIVATE = f"""find /run -maxdepth 1 -name '{_FOLDER.rpartition("/")[2]}.*' -mmin +60 -exec rm -rf {{}} +
work=$(mktemp -d {_FOLDER}.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT; trap 'exit 1' HUP INT TERM
"""
# The engine itself asks the registry: its mirrors, proxies and certificates apply. printf is the shell's own, so the
# login is in no argument list.
_RESOLVE = (
    _PRIVATE
    + rf"""base64 -d | {{
  number=1000
  while read -r image auth; do
    number=$((number + 1))
    printf 'header = "X-Registry-Auth: %s"\n' "$auth" |
      curl -gsS --max-time 15 --unix-socket {SOCKET} --config - \
        "http://docker/distribution/$image/json" >"$work/$number" 2>/dev/null &
  done
  wait
}}
for file in "$work"/*; do tr -d '\n' <"$file"; echo; done
"""
)


def pull(command: str) -> str:
    """Return a command that pulls with the login of a config.json, which it reads from standard input (base64)."""
    return f'({_PRIVATE}umask 077; base64 -d >"$work/config.json" && export DOCKER_CONFIG="$work" && {command})'


def pull_input(configuration: str) -> str:
    """Return the standard input of `pull`."""
    return base64.b64encode(configuration.encode()).decode()


def resolve() -> str:
    """Return the command that prints what the registries say of images, one line each; `resolve_input` has them."""
    return f"({_RESOLVE})"


def resolve_input(images: Mapping[str, str]) -> str:
    """Return the standard input of `resolve`: the images, each with its header X-Registry-Auth."""
    return base64.b64encode("".join(f"{image} {header}\n" for image, header in images.items()).encode()).decode()


def digests(output: str, images: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Parse the output of `resolve`: the digests by image, and of the others what the engine says."""
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for image, line in zip_longest(images, output.splitlines(), fillvalue=""):
        try:
            document = json.loads(line)
        except ValueError:
            document = {}
        if digest := (document.get("Descriptor") or {}).get("digest"):
            found[image] = str(digest)
        else:
            missing[image] = str(document.get("message") or "the host's engine does not respond to curl")
    return found, missing


def images_of(component: str) -> str:
    """Return the command that prints the images of a component's containers."""
    listed = f"docker ps --all --quiet --filter label={LABEL}={component}"
    return f"{listed} | xargs -r docker inspect --format '{{{{.Config.Image}}}}'"
