"""Define the one pyinfra fact: everything that is on a host now, read in one command."""

from pyinfra.api.exceptions import FactProcessError
from pyinfra.api.facts import FactBase
from typing_extensions import override

from rollcall.converge.docker_query import Wanted
from rollcall.converge.host_state import HostState, parse, script


class HostFact(FactBase[HostState]):
    """The one fact. Only a host whose engine does not respond fails."""

    @override
    def command(
        self,
        wanted: Wanted,
        paths: tuple[str, ...] = (),
        texts: tuple[str, ...] = (),
        probes: tuple[tuple[str, str], ...] = (),
        directories: tuple[str, ...] = (),
    ) -> str:
        """Return the shell script; pyinfra calls this with the arguments of get_fact."""
        self.images = wanted.images
        return script(wanted, paths, texts, dict(probes), directories)

    @override
    def process(self, output: list[str]) -> HostState:
        """Parse the script's output.

        Raises:
            FactProcessError: the output is malformed; pyinfra then fails this host and continues with the others.
        """
        try:
            return parse("\n".join(output), self.images)
        except (ValueError, KeyError, IndexError) as problem:
            raise FactProcessError(f"the host's state cannot be read: {problem}") from problem
