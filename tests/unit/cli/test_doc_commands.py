"""The commands and options that README and docs name exist."""

import re
from collections.abc import Iterator

import click

from rollcall.cli.main import COMMANDS, main
from rollcall.config.project import CHECKOUT

# At the start of a line of a block, or in a sentence; up to the end of the command.
COMMAND = re.compile(r"(?:`|^ *(?:\$ )?)rollcall ([a-z_]+)([^`\n#|&]*)", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z-]+")


def options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Return the options of a command and of those below it."""
    yield from command.get_help_option_names(context)
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                yield from options(below, context)


def test_they_exist() -> None:
    context = click.Context(main)
    named: dict[str, set[str]] = {}
    for page in (*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")):
        for verb, rest in COMMAND.findall(page.read_text()):
            named.setdefault(verb, set()).update(OPTION.findall(rest.partition(" -- ")[0]))
    assert set(named) - set(COMMANDS) == set()
    for verb, found in named.items():
        command = main.get_command(context, verb)
        assert command and found - set(options(command, context)) == set(), verb
    # Nearly all of them are somewhere in the docs.
    assert len(named) > len(COMMANDS) - 3
