"""Traefik as a binary: built from Go's module proxy, pinned by traefik/go.mod and go.sum.

Three things keep its module from being built as it is; none of them is on a request's way here:

    The proxy withholds the clients of two of the nearly two hundred DNS services by which Traefik can prove to own a
    domain. They are all left out: dns_providers.go stands in for their list, in a copy of the module that has it.
    The proxy withholds Traefik's own copy of go-http-auth, which checks passwords; http_auth/ stands in for it.
    One package is a module of its own beside Traefik's, which no proxy has; ext/ stands in for it.
"""

import json
import shutil
import tempfile
from pathlib import Path

from rollcall import command
from rollcall.errors import RollcallError
from rollcall.images import cached
from rollcall.lab import go
from rollcall.lab.progress import part

VERSION = "3.7.13"
PACKAGE = "github.com/traefik/traefik/v3/cmd/traefik"
FLAGS = go.Binary("traefik", VERSION, PACKAGE, "").flags
SOURCE = Path(__file__).parent / "traefik"
LEGO = "github.com/go-acme/lego/v5@v5.4.1"
# go.sum lacks it, because a copy replaces the module.
LEGO_SUM = "h1:Jt6xAP9xQrJ3SLLGgxejfDDd3pzdrmuLCWe4oTqHHQc="


def build() -> Path:
    """Return the built program, from the cache if possible.

    Raises:
        RollcallError: Go is unavailable, or the build failed.
    """
    key = cached.key([cached.tree_key(SOURCE), PACKAGE, LEGO, LEGO_SUM, *FLAGS])
    return cached.get(f"traefik-{VERSION}-{key}", _build)


def _build(path: Path) -> None:
    program = go.program()
    with (
        part(f"Building Traefik {VERSION} from its Go modules, about 5 minutes the first time"),
        tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary,
    ):
        module = Path(temporary, "traefik")
        shutil.copytree(SOURCE, module)
        _copy_lego(program, module / "lego")
        command.run(
            [program, "build", "-mod=readonly", *FLAGS, "-o", str(path), PACKAGE],
            doing=f"build Traefik {VERSION}",
            directory=module,
            environment=go.ENVIRONMENT,
        )


def _copy_lego(program: str, target: Path) -> None:
    # Download outside the copy, whose go.mod replaces the module.
    download = [program, "mod", "download", "-json", LEGO]
    output = command.run(download, doing=f"fetch {LEGO}", directory=target.parent.parent, environment=go.ENVIRONMENT)
    found = json.loads(output)
    if found["Sum"] != LEGO_SUM:
        raise RollcallError(f"{LEGO}: got the checksum {found['Sum']}; expected {LEGO_SUM}: the module has changed.")
    # Go's cache is read-only; make the copy writable.
    shutil.copytree(found["Dir"], target, copy_function=shutil.copyfile)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o700)
    providers = target / "providers" / "dns"
    shutil.copyfile(SOURCE / "dns_providers.go", providers / "zz_gen_dns_providers.go")
