"""The lab's SSH keys: one that opens every host, and one by which every host proves itself."""

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from rollcall.lab.layout import HOSTS, LOOPBACK, STATE

USER_KEY = STATE / "id_ed25519"
HOST_KEY = STATE / "host_ed25519"
KNOWN_HOSTS = STATE / "known_hosts"
# The number of the host's user admin, who may use sudo.
ADMIN = 1000


def ensure() -> None:
    """Make both keys, if they are missing, and the file by which the hosts are recognised."""
    STATE.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o700)
    for path in (USER_KEY, HOST_KEY):
        if not path.exists():
            generate(path)
    _write(KNOWN_HOSTS, known_hosts(public(HOST_KEY).read_text(), (host.ssh_port for host in HOSTS)).encode())


def exist() -> bool:
    """Whether a lab was begun here and not taken down since."""
    return USER_KEY.exists()


def remove() -> None:
    """Remove the keys and what goes with them."""
    for path in (USER_KEY, public(USER_KEY), HOST_KEY, public(HOST_KEY), KNOWN_HOSTS):
        path.unlink(missing_ok=True)


def known_hosts(public_key: str, ports: Iterable[int]) -> str:
    """The text of a known_hosts file in which whoever is reached at one of these ports has this public key."""
    key = " ".join(public_key.split()[:2])
    return "".join(f"[{LOOPBACK}]:{port} {key}\n" for port in ports)


def archive(user_key: Path, host_key: Path) -> bytes:
    """A tar file with what goes into each host before its first start, with its places, modes and owner."""
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
    """Make a key pair: the private key at the path, the public one beside it."""
    key = Ed25519PrivateKey.generate()
    text = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    # The private one last: its presence says that both are there.
    _write(public(path), text + b" rollcall-lab\n", mode=0o644)
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def public(path: Path) -> Path:
    """Give the place of the public key that belongs to a private one."""
    return path.with_name(path.name + ".pub")


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    new.rename(path)
