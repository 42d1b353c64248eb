"""The files of templates/, rendered strictly: a mistyped variable is an error and not an empty line."""

from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rollcall.config import project

FOLDER = project.shipped("templates")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # No HTML escaping: what is rendered is configuration, and HTML pages get only values we checked.
    return Environment(  # noqa: S701
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(name: str, **values: Any) -> str:
    """Render one template of templates/ by its path there.

    Raises:
        jinja2.UndefinedError: the template uses a variable that was not given.
    """
    return _environment().get_template(name).render(**values)


def source(name: str) -> str:
    """Give a file of templates/ as it stands, for files without anything to fill in."""
    return (FOLDER / name).read_text(encoding="utf-8")
