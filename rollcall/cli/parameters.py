"""Parameters that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from click.shell_completion import CompletionItem

Function = TypeVar("Function", bound=Callable[..., None])


def inventory_argument(function: Function) -> Function:
    """Add the argument INVENTORY to a command; shells complete it as a file name."""
    return click.argument("source", metavar="INVENTORY", shell_complete=_file)(function)


def file_argument(metavar: str) -> Callable[[Function], Function]:
    """Add the argument `file`, a path, to a command."""
    return click.argument("file", metavar=metavar, type=click.Path(path_type=Path))


def _file(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]
