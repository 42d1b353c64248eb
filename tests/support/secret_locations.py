"""Where on a host a secret could turn up, how to look there, and how to leave a mark which that look must find."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from deployed import Fleet
from stranger import CONSUL_IMAGE

PLACE = "@@place "
# The one place that takes no mark from inside a host of the lab.
KERNEL_LOG = "kernel log"
LOOKS = {
    "arguments": r"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n'",
    "environments": r"cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n'",
    "containers": "docker ps -aq | xargs -r docker inspect",
    "container logs": "for one in $(docker ps -aq); do docker logs $one 2>&1; done",
    "images": "docker images -q | sort -u | xargs -r docker inspect",
    "image history": "for one in $(docker images -q | sort -u); do docker history --no-trunc $one; done",
    "volumes": "docker volume ls -q | xargs -r docker volume inspect",
    "networks": "docker network ls -q | xargs -r docker network inspect",
    "journal": "journalctl --no-pager --output=verbose",
    KERNEL_LOG: "dmesg",
}
# A container that has the mark in everything it can have it in, and a line in the journal.
PLANT = (
    "docker network create {mark} >/dev/null; "
    "docker run --detach --name {mark} --network {mark} --env SERVICE_IGNORE=true --env MARK={mark}"
    f" --volume {{mark}}:/kept --entrypoint sh {CONSUL_IMAGE} -c 'echo $0; while sleep 1; do :; done' {{mark}}; "
    "docker commit --change 'LABEL mark={mark}' {mark} {mark} >/dev/null; "
    "echo {mark} | systemd-cat; echo {mark} >/tmp/{mark}"
)
CLEAR = (
    "docker rm --force --volumes {mark}; docker volume rm {mark}; docker network rm {mark}; docker rmi {mark}; "
    "rm /tmp/{mark}"
)
# Where programs leave files. What images hold is in their history.
FOLDERS = (
    "/etc /root /home /tmp /var/tmp /run /opt /srv /usr/local /var/log /var/spool /var/cache /var/lib/docker/containers"
    " /var/lib/docker/volumes"
)


@contextmanager
def marked(fleet: Fleet, host: str, mark: str) -> Iterator[None]:
    """Leave a mark in every place of a host."""
    try:
        fleet.on(host, PLANT.format(mark=mark))
        yield
    finally:
        fleet.on(host, CLEAR.format(mark=mark), check=False)


def look(fleet: Fleet, host: str) -> dict[str, str]:
    """Give all that is to be seen in the places of a host."""
    seen = fleet.on(host, "; ".join(f"echo; echo '{PLACE}{place}'; {command}" for place, command in LOOKS.items()))
    parts = re.split(rf"^{PLACE}(.*)$", seen, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def files_with(fleet: Fleet, host: str, lines: str) -> set[str]:
    """Name the files of a host that have one of the lines in them; grep reads these from its standard input."""
    found = f"find {FOLDERS} -xdev -type f -size -100M -print0 2>/dev/null"
    # All files in one call, or none: a second one would find its standard input empty.
    each = f"xargs --null --exit --max-args=200000 --arg-file=<({found})"
    command = f"{each} env LC_ALL=C grep --files-with-matches -Ff -"
    return set(fleet.on(host, command, check=False, stdin=lines).splitlines())
