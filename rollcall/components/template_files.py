"""The files of templates/, rendered strictly: a mistyped variable is an error and not an empty line.

A file of the same path in the project's own templates/ wins.
"""

import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError

from rollcall.config import project
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError

SHIPPED = project.shipped("templates")
_folders: list[Path] = [SHIPPED]


def search(root: Path) -> None:
    """Take a project's own templates before ours, file by file.

    Raises:
        RollcallError: a file in one of our components' folders replaces none of ours, so nothing would read it.
    """
    own = root / "templates"
    if own != SHIPPED and own.is_dir():
        _check(own)
        _folders[:] = [own, SHIPPED]
    else:
        _folders[:] = [SHIPPED]
    _environment.cache_clear()


def render(name: str, **values: Any) -> str:
    """Render one template by its path below templates/.

    Raises:
        RollcallError: the template has a mistake, such as a variable that is not given.
    """
    try:
        return _environment().get_template(name).render(**values)
    except TemplateError as problem:
        raise RollcallError(f"{_place(name, problem)}: {problem.message}; expected a Jinja template") from None


def _place(name: str, problem: TemplateError) -> str:
    """Say in which file and line a template failed; of an error while rendering, the traceback knows the line."""
    file = _file(name)
    if isinstance(problem, TemplateSyntaxError):
        return f"{problem.filename or file}:{problem.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == str(file)]
    return f"{file}:{lines[-1]}" if lines else str(file)


def _file(name: str) -> Path:
    return next((folder / name for folder in _folders if (folder / name).is_file()), SHIPPED / name)


def source(name: str) -> str:
    """Return a file of templates/ as it stands, for files without anything to fill in."""
    return _file(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # No HTML escaping: what is rendered is configuration, and HTML pages get only values we checked.
    return Environment(  # noqa: S701
        loader=FileSystemLoader(_folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _check(own: Path) -> None:
    """Folders of other names are those of the user's own components."""
    ours = {str(file.relative_to(SHIPPED)) for file in SHIPPED.rglob("*") if file.is_file()}
    components = {name.split("/")[0] for name in ours}
    for file in sorted(own.rglob("*")):
        name = str(file.relative_to(own))
        if file.is_file() and name.split("/", maxsplit=1)[0] in components and name not in ours:
            raise RollcallError(f"{file}: replaces none of Rollcall's templates; {suggestion(name, ours)}")
