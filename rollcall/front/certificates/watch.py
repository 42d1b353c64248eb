"""Follow the sites' certificates: apply a new one, and report what is wrong with one."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from rollcall.contract import acme_files
from rollcall.front import paths
from rollcall.front.certificates.sites import Certificates, Site, copies
from rollcall.front.certificates.store import Store
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing.candidate import Candidate
from rollcall.front.status.problems import Problems

# Between two looks without an event: an expiry, and a file that was changed by hand, are noticed within it.
LOOK_SECONDS = 10.0


class Watch:
    """The certificates of what is served now; `sites` are those of the last look."""

    def __init__(self) -> None:
        """Prepare; reads nothing yet."""
        self._store = Store(paths.CERTIFICATES)
        self._certificates = Certificates(self._store, paths.CONFIGURATION, acme_files.FOLDER)
        self._served: Candidate | None = None
        self._stamp = 0
        self._again_at = 0.0
        self._tried: Mapping[str, Path] = {}
        self.sites: tuple[Site, ...] = ()

    def chosen(self, settings: Settings, hosts: Iterable[str]) -> Mapping[str, Path]:
        """Return the certificates for nginx by host name."""
        return copies(self._certificates.sites(settings, hosts))

    def check(self, served: Candidate, problems: Problems) -> bool:
        """Report problems, and return whether nginx should get other certificates.

        Must not run while a change is being applied: it removes the copies that nothing serves.
        """
        now = time.monotonic()
        stamp = self._certificates.stamp()
        if served is self._served and stamp == self._stamp and now < self._again_at:
            return False
        self._served, self._stamp, self._again_at = served, stamp, now + LOOK_SECONDS
        self.sites = self._certificates.sites(served.settings, served.routing.hosts)
        problems.found_by("certificates", self._certificates.problems(served.settings, self.sites))
        self._certificates.request(served.settings, self.sites)
        wanted = copies(self.sites)
        # Once for each choice: what nginx refuses is not tried again for its certificates alone.
        if wanted not in (served.certificates, self._tried):
            self._tried = wanted
            return True
        if wanted == served.certificates:
            self._tried = {}
            with suppress(OSError):
                self._store.keep_only(served.sites)
        return False
