"""Guard one template: object, check, swap and reload, or undo."""

from rollcall.contract.template_rendering import Rendering, objection
from rollcall.contract.template_settings import Template
from rollcall.template_sync.commands import CommandError, Commands, NotRunningError
from rollcall.template_sync.destination import Destination


class RefusedError(Exception):
    """A rendering was rejected; the message is the reason. The previous file stays in use.

    `final` forbids a retry: a service may not serve while it tries to reload.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        """Take the reason."""
        super().__init__(reason)
        self.final = final


class Guard:
    """Install a rendering only if the service accepts it."""

    def __init__(self, template: Template, source: str, destination: Destination, commands: Commands) -> None:
        """Take the template's settings and text, its destination and its commands."""
        self._template = template
        self._source = source
        self._destination = destination
        self._commands = commands

    def apply(self, rendering: Rendering) -> bool:
        """Make the service use a rendering; return False if it already does.

        Raises:
            RefusedError: the rendering was rejected, and the previous file is in place.
        """
        try:
            if self._destination.is_open:
                self._undo("an earlier run of this container left a change unfinished", final=False)
            return self._apply(rendering)
        except OSError as problem:
            raise RefusedError(f"{self._template.destination} cannot be written: {problem}") from problem

    def _apply(self, rendering: Rendering) -> bool:
        former = self._destination.text()
        if rendering.text == former:
            self._destination.mend_rights()
            return False
        if reason := objection(rendering, former or "", self._source, self._template.keep):
            raise RefusedError(reason)
        try:
            self._destination.write_candidate(rendering.text)
            service_runs = self._check(has_former=former is not None)
            self._destination.swap()
        finally:
            self._destination.discard_candidate()
        if service_runs and self._template.reload:
            self._reload()
        self._destination.confirm()
        return True

    def _check(self, *, has_former: bool) -> bool:
        """Check the candidate, and return whether the service runs."""
        try:
            self._commands.run("check")
        except NotRunningError as problem:
            if has_former:
                raise RefusedError(f"it cannot be checked: {problem}") from problem
            # A service that waits for its first configuration cannot check it, and serves nothing yet.
            return False
        except CommandError as problem:
            raise RefusedError(f"its check fails: {problem}") from problem
        return True

    def _reload(self) -> None:
        try:
            self._commands.run("reload")
        except CommandError as problem:
            self._undo(f"the reload fails ({problem})", final=not isinstance(problem, NotRunningError))

    def _undo(self, why: str, *, final: bool) -> None:
        """Restore the previous file and reload the service. Always raises RefusedError."""
        self._destination.put_back()
        try:
            if self._template.reload:
                self._commands.run("reload")
        except CommandError as problem:
            also = f"{why}; the former file is back, but its reload fails, too: {problem}"
            raise RefusedError(also, final=final) from problem
        raise RefusedError(f"{why}; the former file is back", final=final)
