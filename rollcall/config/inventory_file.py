"""Find the inventory that a user named, and check its files before pyinfra reads them."""

import ast
from pathlib import Path

from rollcall.config import project
from rollcall.did_you_mean import near_name
from rollcall.errors import RollcallError


def find(inventory: str) -> Path | None:
    """Return the path of an inventory file; None for a list of hosts, such as `@local,web1`.

    Raises:
        RollcallError: there is no such file, or it is no Python file.
    """
    if _is_host_list(inventory):
        return None
    path = _found(Path(inventory).expanduser())
    _check_file(path)
    return path


def no_such_host(inventory: str) -> str:
    """Return the sentence for what is neither a file nor a host: a file's name without its folder or `.py`, usually."""
    return f"{inventory} is no file, and no host of that name can be resolved; {_did_you_mean_file(Path(inventory))}"


def _is_host_list(inventory: str) -> bool:
    if Path(inventory).expanduser().exists():
        return False
    if inventory.startswith("@") or "," in inventory:
        return True
    return "/" not in inventory and not inventory.endswith(".py")


def _found(path: Path) -> Path:
    """Return the path, or if there is no such file here the one in the project."""
    if path.exists() or path.is_absolute():
        return path
    inside = project.root_of(None) / path
    return inside if inside.exists() else path


def _check_file(path: Path) -> None:
    if path.is_dir():
        inside = sorted(str(file) for file in path.glob("*.py"))
        hint = f"name one of the files in it: {', '.join(inside)}" if inside else "it holds no inventory (*.py)"
        raise RollcallError(f"The inventory {path} is a folder; {hint}.")
    if not path.exists():
        raise RollcallError(f"There is no inventory {path}; {_did_you_mean_file(path)}")
    if path.suffix != ".py":
        raise RollcallError(
            f"The inventory {path} is not a Python file; pyinfra reads inventories named *.py, "
            "such as inventories/lab.py."
        )


def _did_you_mean_file(path: Path) -> str:
    folders = (path.parent, Path("inventories"), project.root_of(path) / "inventories")
    candidates: dict[str, Path] = {}
    for folder in folders:
        # What stands beside a deploy.py are deploys, not inventories.
        if (folder / "deploy.py").exists():
            continue
        for file in sorted(folder.glob("*.py")):
            candidates.setdefault(file.stem, file)
    if near := near_name(path.stem, candidates):
        return f"did you mean {candidates[near]}?"
    if candidates:
        return f"there are {', '.join(str(file) for file in candidates.values())}."
    return f"it was looked for in {path.parent.resolve()}."


def check_syntax(root: Path, inventory: Path) -> None:
    """Check the inventory and its group_data. Raises RollcallError: a file is not valid Python or not readable."""
    folders = dict.fromkeys((root / "group_data", inventory.resolve().parent / "group_data"))
    for file in (inventory, *(file for folder in folders for file in sorted(folder.glob("*.py")))):
        _check_file_syntax(file)


def _check_file_syntax(file: Path) -> None:
    try:
        ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        raise RollcallError(
            f"{file}, line {error.lineno}, is not valid Python: {error.msg}; mend that line and try again."
        ) from None
    except (OSError, ValueError) as error:
        raise RollcallError(f"{file} cannot be read: {error}; give a readable text file.") from None
