"""Run one machine in QEMU from a copy of its release's disk, reach it over SSH, and remove it after the block."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rollcall import command, waiting
from rollcall.errors import RollcallError
from rollcall.lab import keys, packages
from rollcall.lab.layout import LOOPBACK
from rollcall.lab.machines import disk
from rollcall.program_output import reason

ADDRESS = "10.0.2.15"
"""A machine's own address, behind QEMU's user network."""

_QEMU = "qemu-system-x86_64"
# Without AVX, which emulation makes slower than what it replaces: boots in 56 s instead of 78 s (2026-11-29).
_CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+aes,+rdrand"
# For an emulated machine on a busy computer; measured 40 s on a quiet one.
BOOT_TIMEOUT_SECONDS = 900
# An emulated machine is slow: no console login, long systemd timeouts, no CPU mitigations, and no lockup detection,
# which would take a busy machine for a lockup.
_APPEND = (
    "root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off nowatchdog "
    "systemd.mask=serial-getty@ttyS0.service systemd.show_status=1 "
    f"systemd.default_timeout_start_sec={BOOT_TIMEOUT_SECONDS}"
)


@dataclass(frozen=True)
class Machine:
    """A running machine, with its files in `folder` and its SSH server on a port of the loopback."""

    suite: str
    folder: Path
    ssh_port: int

    @property
    def user_key(self) -> Path:
        """The private key to log in as root and admin."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The known_hosts file with the machine's key."""
        return self.folder / "known_hosts"

    @property
    def console(self) -> Path:
        """The output of its kernel and systemd."""
        return self.folder / "console.log"

    def run(self, line: str) -> str:
        """Run a command in root's shell and return its output.

        Raises:
            RollcallError: it failed; includes the last line of its output.
        """
        return command.run([*self._ssh(), line], doing=f"run `{line}` on {self.suite}")

    def has(self, line: str) -> bool:
        """Return whether a command in root's shell succeeds; also False if the machine does not respond."""
        return command.attempt([*self._ssh(), line])[0] == 0

    def reboot(self) -> None:
        """Reboot it as its user would, and wait until it is back.

        Raises:
            RollcallError: it does not come back.
        """
        before = self.run("cat /proc/sys/kernel/random/boot_id").strip()
        self.has("systemctl reboot")
        self.wait_for(f"! grep -q {before} /proc/sys/kernel/random/boot_id")

    def wait_for(self, line: str) -> None:
        """Wait until a command in root's shell succeeds.

        Raises:
            RollcallError: it does not succeed in time; includes the last line of the machine's console.
        """
        if not waiting.until(lambda: self.has(line), BOOT_TIMEOUT_SECONDS):
            last = reason(self.console.read_text(errors="replace")) or "its console is empty"
            raise RollcallError(f"The machine {self.suite} fails `{line}` after {BOOT_TIMEOUT_SECONDS} s: {last}")

    def _ssh(self) -> list[str]:
        options = {
            "UserKnownHostsFile": self.known_hosts,
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": 10,
            "ServerAliveInterval": 15,
            "LogLevel": "ERROR",
        }
        given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", "-i", str(self.user_key), "-p", str(self.ssh_port), *given, f"root@{LOOPBACK}"]


@contextmanager
def running(suite: str, folder: Path) -> Iterator[Machine]:
    """Start a new machine of a Debian release, and stop it after the block; its files are in `folder`.

    Raises:
        RollcallError: it cannot be made, or does not boot.
    """
    packages.need(_QEMU, ["qemu-system-x86", "seabios", "ipxe-qemu"])
    made = disk.get(suite)
    machine = Machine(suite, folder, _free_port())
    host_key = folder / "host_ed25519"
    for key in (machine.user_key, host_key):
        keys.generate(key)
    machine.known_hosts.write_text(keys.known_hosts(keys.public(host_key).read_text(), [machine.ssh_port]))
    (folder / "keys.tar").write_bytes(keys.archive(machine.user_key, host_key))
    # A sparse copy, so that no run sees what an earlier one wrote.
    command.run(["cp", "--sparse=always", str(made / disk.DISK), str(folder)], doing="copy the machine's disk")
    process = subprocess.Popen(_arguments(machine, made), stdin=subprocess.DEVNULL)
    try:
        machine.wait_for("true")
        yield machine
    finally:
        process.terminate()
        process.wait()
        (folder / disk.DISK).unlink()


def _arguments(machine: Machine, made: Path) -> list[str]:
    drives = ((machine.folder / disk.DISK, "cache=unsafe"), (machine.folder / "keys.tar", "readonly=on"))
    return [
        *(_QEMU, "-accel", "tcg,thread=multi", "-cpu", _CPU, "-smp", "2", "-m", "3072"),
        *("-kernel", str(made / disk.KERNEL), "-initrd", str(made / disk.INITRD), "-append", _APPEND),
        *(part for path, options in drives for part in ("-drive", f"file={path},format=raw,if=virtio,{options}")),
        *("-netdev", f"user,id=net,hostfwd=tcp:{LOOPBACK}:{machine.ssh_port}-:22"),
        *("-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"),
        *("-display", "none", "-monitor", "none", "-serial", f"file:{machine.console}"),
    ]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port: int = free.getsockname()[1]
        return port
