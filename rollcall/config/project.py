"""A user's project, the folder with deploy.py, group_data, and secrets; and the files that Rollcall ships."""

from pathlib import Path

from rollcall.errors import RollcallError

PACKAGE = Path(__file__).resolve().parents[1]
# Only in a checkout; an installed wheel has no folder of its own around it.
CHECKOUT = PACKAGE.parent
# What the wheel holds beside the code (pyproject.toml, force-include).
_SHIPPED = PACKAGE / "shipped"

_named: list[Path] = []


def name(folder: Path) -> None:
    """Take this folder for the project, wherever an inventory stands (--project).

    Raises:
        RollcallError: it holds no deploy.py.
    """
    if not (folder / "deploy.py").is_file():
        raise RollcallError(f"--project {folder}: expected a folder with deploy.py; `rollcall init` makes one")
    _named[:] = [folder.resolve()]


def root_of(inventory: Path | None) -> Path:
    """Return the project of an inventory file: --project, or the nearest folder with deploy.py above it or above here.

    Hosts named without a file (None) belong to the project of the current folder.

    Raises:
        RollcallError: there is no project.
    """
    starts = [*_named, *([inventory.expanduser().resolve().parent] if inventory else []), Path.cwd()]
    for start in starts:
        for folder in (start, *start.parents):
            if (folder / "deploy.py").is_file():
                return folder
    if (CHECKOUT / "deploy.py").is_file() and CHECKOUT / "rollcall" == PACKAGE:
        return CHECKOUT
    raise RollcallError(
        f"no deploy.py in {Path.cwd()} or above it; `rollcall init NAME` makes a project, --project names one"
    )


def shipped(folder: str) -> Path:
    """Return a folder that Rollcall ships, such as "templates": the wheel's own, in a checkout the one at its top."""
    packaged = _SHIPPED / folder
    return packaged if packaged.is_dir() else CHECKOUT / folder
