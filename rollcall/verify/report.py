"""The checks' pytest plugin: provides the cluster, and prints one line for each check."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from rich.markup import escape

from rollcall.console import out
from rollcall.errors import RollcallError
from rollcall.verify.catalog import AGENT_ERRORS
from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster


class Verification:
    """Replace pytest's own report with one line for each check and a summary."""

    def __init__(self, cluster: Cluster, disturb: bool) -> None:
        """Take a connected cluster, and whether checks may stop backends."""
        self.cluster = cluster
        self.disturb = disturb
        self.passed = 0
        self.failed = 0
        # pytest also reports a file that fails to load as an interruption.
        self.failed_to_load = False
        self.checks: list[dict[str, Any]] = []
        self._started = time.monotonic()
        self._spinner = out.status("")

    @pytest.fixture(name="cluster", scope="session")
    def give_cluster(self) -> Cluster:
        """Provide the cluster."""
        return self.cluster

    @pytest.fixture(name="passed")
    def give_passed(self, request: pytest.FixtureRequest) -> Callable[[str], None]:
        """Provide the function by which a check reports what passed."""

        def passed(sentence: str) -> None:
            request.node.user_properties.append(("says", sentence))

        return passed

    @pytest.fixture(name="remark")
    def give_remark(self, request: pytest.FixtureRequest) -> Callable[[str], None]:
        """Provide the function by which a check remarks on something that people should know and that is no fault."""

        def remark(sentence: str) -> None:
            request.node.user_properties.append(("remark", sentence))

        return remark

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Turn off pytest's own report."""
        config.pluginmanager.unregister(name="terminalreporter")

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Report a file of checks that fails to load as a failure."""
        if report.failed:
            self.failed_to_load = True
            self._failure(f"{report.nodeid} cannot be loaded", str(report.longrepr).splitlines()[-1:])

    @pytest.hookimpl
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Show the running check, on a terminal only, where the line can be erased."""
        if out.is_terminal:
            self._spinner.update(escape(_title(item)))
            self._spinner.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Print a check's line after it has run."""
        report = yield
        if call.excinfo is not None or call.when == "call":
            self._spinner.stop()
            self._show(item, call.excinfo.value if call.excinfo else None)
        return report

    def _show(self, item: pytest.Item, error: BaseException | None) -> None:
        said = [str(text) for key, text in item.user_properties if key == "says"]
        remarks = [str(text) for key, text in item.user_properties if key == "remark"]
        title = _title(item)
        result = {"check": item.name, "title": title, "passed": error is None, "says": said, "remarks": remarks}
        self.checks.append(result | _error(error))
        if error is None:
            self.passed += 1
            # Without emoji=False, rich replaces :ghost: in the id app1:ghost:80.
            out.print(f"[green]✓[/] {escape('; '.join(said) or title)}", emoji=False)
        elif isinstance(error, CheckError):
            self._failure(title, [f"expected: {error.expected}", *_found(error), f"next:     {error.command}"])
        elif isinstance(error, RollcallError):
            self._failure(f"cannot be checked: {title}", [str(error)])
        elif isinstance(error, AGENT_ERRORS):
            self._failure(f"cannot be checked: {title}", [f"a Consul agent did not respond: {error}"])
        else:
            self._failure(f"cannot be checked: {title}", [f"{type(error).__name__}: {error}", _place(error)])
        for sentence in remarks:
            out.print(f"[yellow]–[/] {escape(sentence)}", emoji=False)

    def _failure(self, headline: str, details: list[str]) -> None:
        self.failed += 1
        out.print(f"[red]✗[/] {escape(headline)}", emoji=False)
        for detail in details:
            out.print(f"    {escape(detail)}", emoji=False)

    def to_json(self) -> dict[str, Any]:
        """Return the result as one document."""
        return {
            "passed": self.failed == 0,
            "seconds": round(time.monotonic() - self._started, 1),
            "disturbed": self.disturb,
            "checks": self.checks,
        }

    @pytest.hookimpl
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Print the summary."""
        seconds, ended = time.monotonic() - self._started, self.failed + self.passed
        if exitstatus == pytest.ExitCode.INTERRUPTED and not self.failed_to_load:
            self._spinner.stop()
            out.print(f"\n[yellow]Interrupted[/] after {ended} checks, {self.failed} of them failed.")
        elif self.failed:
            out.print(f"\n[red]{self.failed} of {ended} checks failed[/] in {seconds:.1f} s.")
        else:
            more = "" if self.disturb else " Nothing was changed; --disturb also stops and kills backends."
            out.print(f"\n[green]All {self.passed} checks passed[/] in {seconds:.1f} s.{more}")


def _error(error: BaseException | None) -> dict[str, Any]:
    if isinstance(error, CheckError):
        return {"expected": error.expected, "found": [str(line) for line in error.found], "next": error.command}
    return {} if error is None else {"not_checked": str(error) or type(error).__name__}


def _title(item: pytest.Item) -> str:
    function = getattr(item, "function", None)
    return (getattr(function, "__doc__", None) or item.name).strip().splitlines()[0].rstrip(".")


def _found(error: CheckError) -> list[str]:
    first, *more = error.found
    return [f"found:    {first}", *(f"          {line}" for line in more)]


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
