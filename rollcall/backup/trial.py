"""Restore a snapshot into a Consul that is thrown away, on this machine's engine and without any network."""

import base64
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rollcall import command, tar_archive, waiting, who
from rollcall.backup.archive import Backup
from rollcall.backup.snapshot import Snapshot
from rollcall.components.consul import OWNER
from rollcall.consul import curl
from rollcall.consul.agent_client import Request
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.images.docker import docker
from rollcall.secrets.store import TOKENS
from rollcall.secrets.tokens import Tokens

READY_TIMEOUT_SECONDS = 60.0
# Its leader takes its office anew, and then knows the snapshot's tokens.
RESTORED_TIMEOUT_SECONDS = 15.0
_SNAPSHOT = "restored.snapshot"
_KEYS, _ACL_TOKENS = Request("GET", "/v1/kv/?keys"), Request("GET", "/v1/acl/tokens")
NOT_FOUND = 404
# By whom a container was made, so that a later check removes that of a killed one.
_MACHINE, _PROCESS = "rollcall.backup-check.machine", "rollcall.backup-check.process"
_LISTED = f'{{{{.ID}}}} {{{{.Label "{_PROCESS}"}}}} {{{{.Label "{_MACHINE}"}}}}'


@dataclass(frozen=True)
class Counts:
    """What a restored snapshot holds."""

    keys: int
    tokens: int

    def __str__(self) -> str:
        """Return the counts for people."""
        return f"{self.keys} key{'' if self.keys == 1 else 's'}, {self.tokens} tokens"


def restored(found: Backup | Snapshot, image: str) -> Counts:
    """Restore a snapshot and count what is in it; a backup's with the management token of its own secrets.

    Raises:
        RollcallError: this machine has no engine or not that image, Consul refuses the snapshot, or the secrets are
            not those of the snapshot.
    """
    first = str(uuid.uuid4())
    if isinstance(found, Backup):
        snapshot, token = found.snapshot, Tokens(base64.b64decode(found.secrets[TOKENS])).secret("management")
    else:
        snapshot, token = found, first
    with _consul(image, _files(snapshot, first)) as name:
        # A Consul without a leader has no ACLs yet and refuses every token.
        own = Request("GET", "/v1/acl/token/self")
        if not waiting.until(lambda: _ask(name, first, own)[0].status == curl.OK, stretched(READY_TIMEOUT_SECONDS)):
            raise RollcallError(f"the Consul of {image} elected no leader within {READY_TIMEOUT_SECONDS:g} s")
        [done] = _ask(name, first, Request("PUT", "/v1/snapshot"), more=[f'upload-file = "/{_SNAPSHOT}"'])
        if done.status != curl.OK:
            raise RollcallError(f"Consul refuses the snapshot: {done}")
        if not waiting.until(lambda: _ask(name, token, own)[0].status == curl.OK, stretched(RESTORED_TIMEOUT_SECONDS)):
            raise RollcallError(f"the secrets of the backup are not those of its snapshot: {_ask(name, token, own)[0]}")
        keys, tokens = _ask(name, token, _KEYS, _ACL_TOKENS)
        # Its leader made the first token again, since the snapshot has none such.
        saved = [one for one in json.loads(tokens.body) if one["SecretID"] != first]
        return Counts(0 if keys.status == NOT_FOUND else len(json.loads(keys.body)), len(saved))


def _files(snapshot: Snapshot, management: str) -> dict[str, bytes]:
    configuration = {
        "server": True,
        "bootstrap_expect": 1,
        "bind_addr": "127.0.0.1",
        "client_addr": "127.0.0.1",
        "disable_update_check": True,
        "log_level": "WARN",
        "ports": {"dns": -1, "serf_wan": -1, "grpc": -1, "grpc_tls": -1},
        "acl": {"enabled": True, "default_policy": "deny", "tokens": {"initial_management": management}},
    }
    return {"consul/config/check.json": json.dumps(configuration).encode(), _SNAPSHOT: snapshot.data}


@contextmanager
def _consul(image: str, files: dict[str, bytes]) -> Iterator[str]:
    """Run a Consul server that reaches nothing, until the block ends."""
    name = f"rollcall-backup-check-{uuid.uuid4().hex[:8]}"
    user, group = OWNER.split(":")
    data = f"--tmpfs=/consul/data:uid={user},gid={group},mode=0700"
    isolated = ["--network=none", f"--user={OWNER}", data, "--tmpfs=/tmp"]
    labels = {"SERVICE_IGNORE": "true", _MACHINE: who.machine(), _PROCESS: str(os.getpid())}
    isolated += [f"--label={label}={value}" for label, value in labels.items()]
    _remove_abandoned()
    try:
        docker("create", f"--name={name}", *isolated, image, "agent", doing=f"create a Consul of {image}")
        docker("cp", "-", f"{name}:/", stdin=tar_archive.pack(files, OWNER), doing="copy the snapshot into it")
        docker("start", name, doing="start a Consul")
        yield name
    finally:
        command.attempt(["docker", "rm", "--force", "--volumes", name])


def _remove_abandoned() -> None:
    """Remove the Consul of each check that was killed: it holds a fleet's keys and tokens."""
    listed = docker(
        "ps", "--all", f"--filter=label={_PROCESS}", f"--format={_LISTED}", doing="look for what killed checks left"
    )
    for line in listed.splitlines():
        container, process, machine = line.split(" ", 2)
        if who.has_ended(machine, int(process)):
            command.attempt(["docker", "rm", "--force", "--volumes", container])


def _ask(name: str, token: str, *requests: Request, more: Sequence[str] = ()) -> list[curl.Response]:
    given = curl.configuration(requests, local_agent.URL, token, ["max-time = 60", *more])
    _, output, _ = command.attempt(["docker", "exec", "-i", name, *curl.COMMAND.split()], stdin=given.encode())
    found = curl.responses(output)
    return [*found, *[curl.Response(0, "")] * (len(requests) - len(found))]
