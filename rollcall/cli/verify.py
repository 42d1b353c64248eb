"""`rollcall verify`: check every promise on the running cluster."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.console import out, print_to_stderr, step
from rollcall.errors import RollcallError
from rollcall.remote import connectivity
from rollcall.secrets.deployed import read_secrets
from rollcall.signals import interrupt_on
from rollcall.verify import checks

if TYPE_CHECKING:
    from rollcall.verify.report import Verification

CHECKS = Path(checks.__file__).parent
# In this order; those about fronts only if there are fronts.
READ_ONLY = (
    *("containers", "declared", "ports", "security", "agents", "registrator", "catalog", "dns", "bridge", "kv"),
    *("backups", "front", "routes", "streams"),
)
DISTURBING = ("disturb_kv", "disturb_front", "disturb_routes")
ABOUT_FRONTS = frozenset({"front", "routes", "streams", "disturb_front", "disturb_routes"})


@click.command()
@inventory_argument
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Only these hosts.")
@click.option(
    "--disturb",
    is_flag=True,
    help="Also stop and kill backends, and check that the fronts follow. Starts everything again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
def verify(source: str, limit: tuple[str, ...], disturb: bool, as_json: bool) -> None:
    """Check on the hosts of INVENTORY everything that Rollcall promises.

    Changes nothing without --disturb. Exit code: 0 if every check passed, else 1.
    """
    import pytest

    from rollcall.components import declared
    from rollcall.verify.cluster import connected
    from rollcall.verify.report import Verification

    if disturb and limit:
        raise click.UsageError("--disturb stops all backends behind the fronts, so it excludes --limit.")
    if as_json:
        print_to_stderr()
    chosen, fleet = checked_fleet(source, limit)
    secrets = read_secrets(source, chosen, fleet, "rollcall verify")
    connectivity.check(chosen.hosts)
    # After a supervisor's stop the checks start everything again, as after Ctrl-C.
    interrupt_on(signal.SIGTERM)
    with connected(source, chosen, fleet, secrets, declared.components(chosen.root)) as cluster:
        verification = Verification(cluster, disturb)
        with step(f"Reading {len(chosen.hosts)} host{'s' if len(chosen.hosts) > 1 else ''}"):
            cluster.probe()
        code = _run(verification)
    if as_json:
        click.echo(json.dumps(verification.to_json(), indent=2, ensure_ascii=False))
    if code == pytest.ExitCode.INTERRUPTED and not verification.failed_to_load:
        raise KeyboardInterrupt
    sys.exit(0 if code == pytest.ExitCode.OK else 1)


def _run(verification: "Verification") -> int:
    import pytest

    names = READ_ONLY + (DISTURBING if verification.disturb else ())
    if not verification.cluster.fronts:
        out.print("– no fronts; skipping the front checks")
        names = tuple(name for name in names if name not in ABOUT_FRONTS)
    files = [CHECKS / f"test_{name}.py" for name in names]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise RollcallError(f"{missing[0]} is missing; install Rollcall again")
    # A developer's options for other tests do not apply here.
    os.environ.pop("PYTEST_ADDOPTS", None)
    options = ["-c", str(CHECKS / "pytest.ini"), "-p", "no:cacheprovider", "--capture=no"]
    return int(pytest.main([*options, *map(str, files)], plugins=[verification]))
