"""Make Debian base systems with mmdebstrap, from the mirror that the machine itself uses."""

import os
from pathlib import Path

from rollcall import command
from rollcall.errors import RollcallError
from rollcall.images import cached
from rollcall.lab import packages
from rollcall.lab.layout import NGINX_SUITE
from rollcall.lab.progress import part

_MIRROR_VARIABLE = "ROLLCALL_DEBIAN_MIRROR"

# As small as Debian's own images: without documentation, translations and apt's caches.
_APT_CONFIGURATION = """\
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Keep-Downloaded-Packages "false";
"""
_WRITE_CONFIGURATION = f"""printf '%s' '{_APT_CONFIGURATION}' > "$1/etc/apt/apt.conf.d/docker-clean" """
_CLEAN = 'rm -rf "$1"/var/cache/apt/*.bin "$1"/var/log/*.log "$1"/var/log/apt'
_OPTIONS = (
    "--variant=minbase",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    f"--customize-hook={_WRITE_CONFIGURATION}",
    f"--customize-hook={_CLEAN}",
)
# A mirror of Debian testing may be a few days behind, which does not matter for a lab.
_TESTING_OPTIONS = ('--aptopt=Acquire::Check-Valid-Until "false"',)


def options(suite: str) -> tuple[str, ...]:
    """Return mmdebstrap's options for a release of Debian."""
    return _OPTIONS + (_TESTING_OPTIONS if suite == NGINX_SUITE else ())


def key(suite: str) -> str:
    """Return the key of a base system's inputs; its packages are those of the day it is made."""
    return cached.key([suite, *options(suite)])


def base(suite: str) -> Path:
    """Return the base system of a Debian release as a tar file, from the cache if possible.

    Raises:
        RollcallError: the machine has no Debian mirror, or mmdebstrap failed.
    """
    return cached.get(f"debian-{suite}-{key(suite)}.tar", lambda path: _make(suite, path))


def _make(suite: str, path: Path) -> None:
    packages.need("mmdebstrap", ["mmdebstrap", "debian-archive-keyring"])
    source = mirror()
    with part(f"Making a base system of Debian {suite}, about 25 seconds"):
        command.run(
            ["mmdebstrap", "--format=tar", *options(suite), suite, str(path), source],
            doing=f"make a base system of Debian {suite}",
        )


def mirror() -> str:
    """Return the URL of the package mirror.

    Raises:
        RollcallError: the machine's apt has none.
    """
    return os.environ.get(_MIRROR_VARIABLE) or own_mirror(_sources())


def _sources() -> str:
    packages.refresh()
    fields = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"
    return command.run(["apt-get", "indextargets", "--format", fields], doing="read the machine's package sources")


def own_mirror(sources: str) -> str:
    """Return the mirror of Debian's main archive from lines of `origin|label|component|address`.

    Raises:
        RollcallError: there is none, as on Ubuntu.
    """
    for line in sources.splitlines():
        origin, label, component, address = line.split("|")
        if (origin, label, component) == ("Debian", "Debian", "main") and address.startswith("http"):
            return address
    raise RollcallError(
        "This machine's apt has no Debian mirror to make the lab's images from; "
        f"set {_MIRROR_VARIABLE} to a mirror's URL, or use the public images with IMAGES=hub."
    )
