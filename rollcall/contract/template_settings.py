"""Define the templates' settings: the deploy writes them as JSON, the program reads them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path("/etc/rollcall/templates")
# In memory: its contents are useless after a restart of the container.
RUN = Path("/run/rollcall/templates")
STATUS = RUN / "status.json"
ENGINE = Path("/run/templates-filter/commands.sock")


@dataclass(frozen=True)
class Template:
    """One of the user's templates.

    `check` and `reload` are shell commands that run in the container named `container`, or here if that is empty; an
    empty `reload` runs nothing. `owner` is a numeric uid:gid. `keep` is the fraction of the file's addresses that a
    rendering must keep, from 0 to 1.
    """

    name: str
    destination: str
    check: str
    reload: str
    container: str
    owner: str
    mode: int
    keep: float

    @property
    def candidate(self) -> str:
        """The path of a rendering before its check: beside its destination, so that a rename installs it."""
        return self._beside("candidate")

    @property
    def former(self) -> str:
        """The path of the previous file, until a change is confirmed."""
        return self._beside("former")

    def _beside(self, ending: str) -> str:
        folder, _, name = self.destination.rpartition("/")
        # Hidden, and with its own suffix: services that read a whole directory ignore it.
        return f"{folder}/.{name}.{ending}"

    @property
    def check_command(self) -> str:
        """The check command with the candidate's path filled in."""
        return self.check.replace("{candidate}", self.candidate)


def written(node: str, templates: tuple[Template, ...]) -> str:
    """Return the JSON of a host's templates."""
    return json.dumps({"node": node, "templates": [asdict(template) for template in templates]}, indent=2) + "\n"


def read(text: str) -> tuple[str, tuple[Template, ...]]:
    """Return the host's name in Consul and its templates."""
    document = json.loads(text)
    return document["node"], tuple(Template(**template) for template in document["templates"])
