"""Make a machine's disk: a Debian release with Docker, built once by mmdebstrap and stored in the lab's cache."""

from pathlib import Path

from rollcall import command
from rollcall.images import cached
from rollcall.lab import debian, keys, packages
from rollcall.lab.progress import part

SUITES = ("bookworm", "trixie")
DISK, KERNEL, INITRD = "disk.raw", "vmlinuz", "initrd.img"

_ROOT = Path(__file__).parent / "root"
_DISK_SIZE = "8G"
# Since Debian 13 the client is in docker-cli.
_DOCKER = {"bookworm": ("docker.io",), "trixie": ("docker.io", "docker-cli")}
_PACKAGES = (
    *("linux-image-cloud-amd64", "initramfs-tools", "zstd", "kmod", "udev"),
    *("systemd", "systemd-sysv", "systemd-resolved", "libnss-resolve", "dbus"),
    *("openssh-server", "sudo", "apparmor", "iptables", "nftables", "iproute2", "procps"),
    *("ca-certificates", "curl", "bind9-dnsutils", "python3-minimal"),
)
_SERVICES = "systemd-networkd systemd-resolved ssh docker rollcall-machine-keys"
# An emulated machine unpacks a small initrd faster: include only the modules of QEMU's virtio devices.
_INITRAMFS = """\
mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list > "$1/etc/initramfs-tools/conf.d/rollcall"
printf '%s\\n' virtio_pci virtio_blk virtio_net ext4 >> "$1/etc/initramfs-tools/modules"
"""
_SETUP = f"""\
chroot "$1" useradd --uid {keys.ADMIN} --create-home --shell /bin/bash admin
chroot "$1" systemctl enable {_SERVICES}
chmod 0440 "$1/etc/sudoers.d/rollcall"
rm -f "$1"/etc/ssh/ssh_host_*
"""


def key(suite: str) -> str:
    """Return the key of a disk's inputs; its packages are those of the day it is made."""
    # Not by where the checkout is: every checkout has the same machine.
    return cached.key([suite, _DISK_SIZE, *_options(suite, Path("root")), cached.tree_key(_ROOT)])


def get(suite: str) -> Path:
    """Return the directory with the disk, kernel and initrd of a Debian release, from the cache if possible.

    Raises:
        RollcallError: the machine has no Debian mirror, or a program failed.
    """
    return cached.get(f"machine-{suite}-{key(suite)}", lambda path: _make(suite, path))


def _make(suite: str, path: Path) -> None:
    packages.need("mmdebstrap", ["mmdebstrap", "debian-archive-keyring"])
    packages.need("mkfs.ext4", ["e2fsprogs"])
    mirror = debian.mirror()
    system = path / "system"
    path.mkdir()
    with part(f"Making a machine of Debian {suite}, about 2 minutes"):
        command.run(
            ["mmdebstrap", "--format=directory", *_options(suite, _ROOT), suite, str(system), mirror],
            doing=f"make a machine of Debian {suite}",
        )
        _finish(system, path)
    cached.remove(system)


def _options(suite: str, files: Path) -> tuple[str, ...]:
    return (
        *debian.options(suite),
        f"--include={','.join((*_PACKAGES, *_DOCKER[suite]))}",
        f"--essential-hook={_INITRAMFS}",
        f"--customize-hook=sync-in {files} /",
        f"--customize-hook={_SETUP}",
    )


def _finish(system: Path, path: Path) -> None:
    # mmdebstrap replaces these two files while it runs.
    (system / "etc/hostname").write_text("machine\n")
    (system / "etc/hosts").write_text("127.0.0.1 localhost machine\n")
    resolv_conf = system / "etc/resolv.conf"
    resolv_conf.unlink(missing_ok=True)
    resolv_conf.symlink_to("../run/systemd/resolve/stub-resolv.conf")
    for name, pattern in ((KERNEL, "vmlinuz-*"), (INITRD, "initrd.img-*")):
        (path / name).write_bytes(next((system / "boot").glob(pattern)).read_bytes())
    mkfs = ["mkfs.ext4", "-q", "-F", "-d", str(system), str(path / DISK), _DISK_SIZE]
    command.run(mkfs, doing="make the machine's disk")
