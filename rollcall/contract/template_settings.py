"""What the program knows of the templates: written by the deploy as JSON, read here."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path("/etc/rollcall/templates")
# In memory: what is in it is worth nothing to the container's next life.
RUN = Path("/run/rollcall/templates")
STATUS = RUN / "status.json"
ENGINE = Path("/run/templates-filter/commands.sock")


@dataclass(frozen=True)
class Template:
    """One template of the user's.

    `check` and `reload` are shell commands, run in the container named `container`, or here where that is empty; an
    empty `reload` runs nothing. `owner` is numeric, uid:gid. `keep` is the fraction of the file's addresses that a
    rendering must have, from 0 to 1.
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
        """Where a rendering waits for its check: beside its destination, so that a rename puts it in place."""
        return self._beside("candidate")

    @property
    def former(self) -> str:
        """Where the file of before is, for as long as a change is not confirmed."""
        return self._beside("former")

    def _beside(self, ending: str) -> str:
        folder, _, name = self.destination.rpartition("/")
        # Hidden, and with an ending of its own: no service that reads a whole directory takes it for a part of that.
        return f"{folder}/.{name}.{ending}"

    @property
    def check_command(self) -> str:
        """The check with the candidate's path in its place."""
        return self.check.replace("{candidate}", self.candidate)


def written(node: str, templates: tuple[Template, ...]) -> str:
    """Give the JSON of a host's templates."""
    return json.dumps({"node": node, "templates": [asdict(one) for one in templates]}, indent=2) + "\n"


def read(text: str) -> tuple[str, tuple[Template, ...]]:
    """Give the host's name in Consul and its templates."""
    document = json.loads(text)
    return document["node"], tuple(Template(**one) for one in document["templates"])
