"""The command `rollcall`: its subcommands, and the handling of their errors."""

import importlib
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from rollcall import __version__
from rollcall.cli import failures
from rollcall.config import project
from rollcall.did_you_mean import near_name

# Module and summary. Only the module of the running command is imported, so help, completion and errors for
# mistyped commands are immediate.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "Write a commented project into a new folder"),
    "import": ("import_", "Print a Compose file's services as settings"),
    "deploy": ("deploy", "Bring every host to its settings"),
    "settings": ("settings", "Print every setting, or one host's values and their places"),
    "verify": ("verify", "Check every promise on the running fleet"),
    "services": ("service.listing", "Show each service's version and how many of its containers serve"),
    "releases": ("service.releases", "List what was released of a service"),
    "rollback": ("service.rollback", "Release an earlier version of a service again"),
    "restart": ("service.rollback", "Replace a service's containers by new ones, one after the other"),
    "logs": ("service.logs", "Show a service's log from all hosts"),
    "exec": ("service.execute", "Run a command in a container of a service"),
    "run": ("service.execute", "Run a command in a new container of a service"),
    "secret": ("service.secret", "Set, list and remove the secrets of services"),
    "status": ("status", "Show every service's instances, and what is wrong"),
    "drain": ("host.drain", "Take a host or a container out of service"),
    "undrain": ("host.drain", "Put it back into service"),
    "canary": ("canary", "Give some instances a share of a service's requests"),
    "maintenance": ("maintenance", "Show a maintenance page for a route"),
    "certificates": ("certificates", "Show the certificate of every site, or renew one now"),
    "ui": ("consul.ui", "Open Consul's UI on this machine until Ctrl-C"),
    "consul": ("consul.consul", "Run consul's own command line in the fleet"),
    "curl": ("consul.curl", "Send a request to Consul's HTTP API"),
    "token": ("consul.token", "Print a Consul token that expires"),
    "render": ("render", "Print the sites that nginx would serve now"),
    "rotate": ("rotate", "Replace the fleet's secrets while it serves"),
    "backup": ("backup.backup", "Keep state, secrets and settings in one encrypted file"),
    "restore": ("backup.restore", "Bring a fleet's state back from a backup"),
    "recover": ("host.recover", "Bring a fleet back when most Consul servers are gone for good"),
    "reboot": ("host.reboot", "Restart hosts one at a time, each out of service meanwhile"),
    "chaos": ("chaos", "Break parts of the fleet at random, and measure the harm"),
    "remove": ("host.remove", "Take off the hosts, or off one of them, what a deploy put there"),
    "forget": ("host.forget", "Make the fleet forget a host that is dead"),
    "images": ("images", "Build, list and push Rollcall's own images"),
    "lab": ("lab", "Run six real hosts on this machine, for trying things out"),
}


class Commands(click.Group):
    """The commands, each imported when it runs; errors become one sentence and a truthful exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which people meet the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"rollcall.cli.{COMMANDS[cmd_name][0]}")
        # No function of Python's can be called `import`.
        command: click.Command = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, suggest a similar name."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = near_name(args[0], COMMANDS)
            hint = f"did you mean {near}?" if near else "rollcall --help lists them"
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name, or the group's own options."""
        names = [CompletionItem(name, help=COMMANDS[name][1]) for name in COMMANDS if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its exceptions become one sentence and an exit code."""
        with failures.as_sentences():
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rollcall")
@click.option(
    "--project",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The folder with deploy.py; by default the nearest above the inventory or above the current folder.",
)
def main(folder: Path | None) -> None:
    """Turn plain Docker hosts into a fleet: services in Consul, behind nginx."""
    if folder:
        project.name(folder)
