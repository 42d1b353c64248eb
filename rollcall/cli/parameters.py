"""Parameters that several commands have."""

from collections.abc import Callable
from typing import TypeVar

import click
from click.shell_completion import CompletionItem

Function = TypeVar("Function", bound=Callable[..., None])


def inventory_argument(function: Function) -> Function:
    """Give a command its INVENTORY; a shell completes it as a file's name."""
    return click.argument("source", metavar="INVENTORY", shell_complete=_file)(function)


def _file(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]
