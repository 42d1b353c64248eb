"""Containers of a user who says where they are to be reached."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from deployed import Fleet

IMAGE = "nginx:1.30"
# Whoever asks is told the container's name and the path that arrived there.
ANSWER = """
printf '%s' 'server {{ listen 80; location / {{ return 200 "{name} $request_uri"; }} }}' >/etc/nginx/conf.d/default.conf
exec nginx -g 'daemon off;'
"""


@contextmanager
def container(fleet: Fleet, host: str, name: str, service: str, **metadata: str) -> Iterator[None]:
    """Run a container on a host with SERVICE_… metadata; it is killed and gone when the block ends."""
    environment = [f"--env=SERVICE_{key.upper()}={value}" for key, value in {"name": service, **metadata}.items()]
    run = ["docker", "run", "--detach", "--publish-all", f"--name={name}", *environment]
    try:
        fleet.on(host, shlex.join([*run, "--entrypoint=sh", IMAGE, "-c", ANSWER.format(name=name)]))
        yield
    finally:
        fleet.on(host, f"docker rm --force --volumes {name}", check=False)
