"""Asking a host's Docker Engine for everything at once: the shell text, and what its answer means."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

LABEL = "rollcall.managed"
SOCKET = "/var/run/docker.sock"

# The engine's own API answers every question in one process of 10 ms; the docker command needs two of 25 ms and
# asks for each name as a container, an image, a network … in turn. It is there for hosts without curl, and its
# words are what a person should read where no engine answers.
# The images that our containers were made from are read by their ids: a tag may have moved on since.
# Names that do not exist are the normal case on a new host: the API says so in a {"message": …}, and
# `docker inspect` ends with 1.
QUERY = r"""
command -v docker >/dev/null || {{ echo "Docker Engine is not installed"; exit 90; }}
get() {{ curl -gsS --unix-socket {socket} -w '\n' "$@" 2>/dev/null; }}
by_api() {{
  ours=$(get {listing}) || return
  made_from=$(echo "$ours" | grep -o '"ImageID": *"[^"]*"' | cut -d'"' -f4 | sort -u)
  echo "$ours"
  get {urls} $(for image in $made_from; do echo "http://docker/images/$image/json"; done)
}}
by_command() {{
  docker ps -a --filter label={label} \
    --format '{{"Names":["/{{{{.Names}}}}"],"Labels":{{"{label}":"{{{{.Label "{label}"}}}}"}}}}' 2>"$work/error" ||
    {{ cat "$work/error"; exit 91; }}
  made_from=$(docker ps -aq --filter label={label} | xargs -r docker inspect --format '{{{{.Image}}}}' | sort -u)
  docker inspect --format '{{{{json .}}}}' {names} $made_from 2>/dev/null
}}
by_api || by_command
"""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Names of containers, networks and volumes, and references of images, to be looked up."""

    containers: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineState:
    """Inspect documents by name, and the names of all containers with our label, with the label's values.

    Images are found by reference and by id.
    """

    containers: Mapping[str, Document]
    images: Mapping[str, Document]
    networks: Mapping[str, Document]
    volumes: Mapping[str, Document]
    managed: frozenset[str]
    components: Mapping[str, str] = field(default_factory=dict)


def query(wanted: Wanted) -> str:
    """Build the shell text; it needs $work, a directory for its error messages."""
    filters = quote(json.dumps({"label": [LABEL]}))
    paths = [
        *(f"containers/{name}/json" for name in wanted.containers),
        *(f"images/{reference}/json" for reference in wanted.images),
        *(f"networks/{name}" for name in wanted.networks),
        *(f"volumes/{name}" for name in wanted.volumes),
    ]
    names = [*wanted.containers, *wanted.images, *wanted.networks, *wanted.volumes]
    return QUERY.format(
        socket=SOCKET,
        label=LABEL,
        listing=shlex.quote(f"http://docker/containers/json?all=1&filters={filters}"),
        urls=shlex.join(f"http://docker/{path}" for path in paths),
        names=shlex.join(names),
    )


def parse(lines: Iterable[str], images: Sequence[str]) -> EngineState:
    """Sort the documents by kind.

    Raises:
        ValueError: a line is not JSON.
    """
    documents: list[Document] = []
    managed: set[str] = set()
    components: dict[str, str] = {}
    for line in filter(None, map(str.strip, lines)):
        found = json.loads(line)
        listed = found if isinstance(found, list) else [found]
        names = [one["Names"][0].lstrip("/") for one in listed if "Names" in one]
        managed.update(names)
        components.update(zip(names, ((one.get("Labels") or {}).get(LABEL, "") for one in listed), strict=False))
        if not isinstance(found, list) and not names:
            documents.append(found)
    return EngineState(
        containers={one["Name"].lstrip("/"): one for one in documents if "State" in one},
        images={
            **{one["Id"]: one for one in documents if "RepoTags" in one},
            **{reference: one for reference in images for one in documents if _is_image(one, reference)},
        },
        networks={one["Name"]: one for one in documents if "IPAM" in one},
        volumes={one["Name"]: one for one in documents if "Mountpoint" in one},
        managed=frozenset(managed),
        components=components,
    )


def _is_image(document: Document, reference: str) -> bool:
    return as_listed(reference) in (*(document.get("RepoTags") or ()), *(document.get("RepoDigests") or ()))


def as_listed(reference: str) -> str:
    """Spell an image's name as the engine lists it: NAME:TAG, or NAME@DIGEST, beside which a tag means nothing.

    The engine leaves out what Docker Hub's names have in front (distribution/reference, "familiar" names).
    """
    name, at, digest = reference.partition("@")
    name = name.removeprefix("docker.io/").removeprefix("library/")
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        path, tag = name, "latest"
    return f"{path}{at}{digest}" if at else f"{path}:{tag}"
