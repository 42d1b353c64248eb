"""Render the files of templates/ strictly: a mistyped variable is an error instead of an empty line.

A file of the same path in the project's own templates/ takes precedence.
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
    """Prefer a project's own templates to ours, file by file.

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
        RollcallError: the template is faulty, for example because of an undefined variable.
    """
    try:
        return _environment().get_template(name).render(**values)
    except TemplateError as problem:
        raise RollcallError(f"{_place(name, problem)}: {problem.message}; expected a Jinja template") from None


def _place(name: str, problem: TemplateError) -> str:
    """Return the file and line where a template failed; for a rendering error the line comes from the traceback."""
    file = _file(name)
    if isinstance(problem, TemplateSyntaxError):
        return f"{problem.filename or file}:{problem.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == str(file)]
    return f"{file}:{lines[-1]}" if lines else str(file)


def _file(name: str) -> Path:
    return next((folder / name for folder in _folders if (folder / name).is_file()), SHIPPED / name)


def source(name: str) -> str:
    """Return a file of templates/ unrendered, for files without variables."""
    return _file(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # No HTML escaping: templates render configuration, and HTML pages get only validated values.
    return Environment(  # noqa: S701
        loader=FileSystemLoader(_folders),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _check(own: Path) -> None:
    """Reject a file that replaces none of ours; folders of other names belong to users' own components."""
    ours = {str(file.relative_to(SHIPPED)) for file in SHIPPED.rglob("*") if file.is_file()}
    components = {name.split("/")[0] for name in ours}
    for file in sorted(own.rglob("*")):
        name = str(file.relative_to(own))
        if file.is_file() and name.split("/", maxsplit=1)[0] in components and name not in ours:
            raise RollcallError(f"{file}: replaces none of Rollcall's templates; {suggestion(name, ours)}")
