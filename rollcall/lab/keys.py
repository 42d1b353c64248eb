"""Create the lab's SSH keys: one to log in to every host, and one that authenticates every host."""

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from rollcall.lab import size
from rollcall.lab.layout import LOOPBACK, STATE

USER_KEY = STATE / "id_ed25519"
HOST_KEY = STATE / "host_ed25519"
KNOWN_HOSTS = STATE / "known_hosts"
# The uid of the host's user admin, who may use sudo.
ADMIN = 1000


def ensure() -> None:
    """Create both keys if they are missing, and the known_hosts file."""
    STATE.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o700)
    for path in (USER_KEY, HOST_KEY):
        if not path.exists():
            generate(path)
    _write(KNOWN_HOSTS, known_hosts(public(HOST_KEY).read_text(), (host.ssh_port for host in size.hosts())).encode())


def exist() -> bool:
    """Return whether a lab was started here and not taken down since."""
    return USER_KEY.exists()


def remove() -> None:
    """Remove the keys and the known_hosts file."""
    for path in (USER_KEY, public(USER_KEY), HOST_KEY, public(HOST_KEY), KNOWN_HOSTS):
        path.unlink(missing_ok=True)


def known_hosts(public_key: str, ports: Iterable[int]) -> str:
    """Return the text of a known_hosts file with this public key for every port."""
    key = " ".join(public_key.split()[:2])
    return "".join(f"[{LOOPBACK}]:{port} {key}\n" for port in ports)


def archive(user_key: Path, host_key: Path) -> bytes:
    """Return a tar file of what each host gets before its first start, with paths, modes and owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content, mode, owner in (
            ("root/.ssh/authorized_keys", public(user_key).read_bytes(), 0o600, 0),
            ("home/admin/.ssh/authorized_keys", public(user_key).read_bytes(), 0o600, ADMIN),
            ("etc/ssh/ssh_host_ed25519_key", host_key.read_bytes(), 0o600, 0),
            ("etc/ssh/ssh_host_ed25519_key.pub", public(host_key).read_bytes(), 0o644, 0),
        ):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def generate(path: Path) -> None:
    """Create a key pair: the private key at the path, the public one beside it."""
    key = Ed25519PrivateKey.generate()
    text = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    # Write the private key last: if it exists, both exist.
    _write(public(path), text + b" rollcall-lab\n", mode=0o644)
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def public(path: Path) -> Path:
    """Return the path of a private key's public key."""
    return path.with_name(path.name + ".pub")


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    new.rename(path)
