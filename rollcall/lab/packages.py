"""Install programs that the lab needs on the machine, from its own Debian or Ubuntu sources."""

import os
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from rollcall import command
from rollcall.console import step
from rollcall.errors import RollcallError

_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_LOCK_TIMEOUT_SECONDS = 300


def can_install() -> bool:
    """Return whether this process may install packages: root on a machine with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def need(program: str, packages: Sequence[str]) -> None:
    """Make sure that a program is installed.

    Raises:
        RollcallError: it is missing and cannot be installed from here.
    """
    if shutil.which(program) or Path("/usr/sbin", program).exists():
        return
    if not can_install():
        raise RollcallError(
            f"The lab needs the program {program}; install it "
            f"(Debian and Ubuntu: apt-get install {' '.join(packages)}), or run this as root there to install it."
        )
    install(packages)


def install(packages: Sequence[str]) -> None:
    """Install packages without their recommendations; skip those that the machine's sources lack.

    Raises:
        RollcallError: the sources have none of them, or apt failed.
    """
    refresh()
    known = [package for package in packages if _known(package)]
    if not known:
        raise RollcallError(
            f"This machine's package sources have none of {', '.join(packages)}; "
            "add the main archive of Debian or Ubuntu to them."
        )
    with step(f"Installing {', '.join(known)}"):
        _apt("install", "-y", "--no-install-recommends", *known, doing=f"install {', '.join(known)}")


@cache
def refresh() -> None:
    """Read the package lists again, once per process."""
    with step("Reading the package lists"):
        _apt("update", doing="read the package lists")


def _apt(*arguments: str, doing: str) -> None:
    options = ["-q", "-o", f"DPkg::Lock::Timeout={_LOCK_TIMEOUT_SECONDS}"]
    command.run(["apt-get", *options, *arguments], doing=doing, environment=_QUIET)


def _known(package: str) -> bool:
    _, output, _ = command.attempt(["apt-cache", "policy", package])
    return "Candidate:" in output and "Candidate: (none)" not in output
