"""Serve each site with its own certificate: choose it, keep a copy of it, and find what is wrong with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rollcall.contract import acme_files
from rollcall.contract.acme_files import NameState
from rollcall.contract.problems import Problem
from rollcall.contract.problems import certificate as ending
from rollcall.front.certificates.choice import Offer, Offers, by_acme, of_files
from rollcall.front.certificates.store import Store, UnusableError
from rollcall.front.inputs.settings import Settings
from rollcall.front.log import write_line


@dataclass(frozen=True)
class Site:
    """A site's certificate: the offer and its copy, None for the fleet's own; and why better ones are not it."""

    name: str
    offer: Offer | None = None
    copy: Path | None = None
    faults: tuple[str, ...] = ()
    state: NameState = field(default_factory=NameState)

    def error(self, now: datetime) -> str:
        """Return why its certificate is not as it should be; "" if it is."""
        ended = f"it ended on {self.offer.end:%Y-%m-%d}" if self.offer and self.offer.ended(now) else ""
        return "; ".join(filter(None, (ended, self.state.error)))


class Certificates:
    """The certificates of the sites.

    Args:
        store: where the copies are.
        files: the directory of the user's own, as a deploy writes them.
        acme: the directory that the ACME program shares.
    """

    def __init__(self, store: Store, files: Path, acme: Path) -> None:
        """Prepare; reads nothing yet."""
        self._store = store
        self._files = files
        self._acme = acme
        self._states: tuple[int, dict[str, NameState]] = (0, {})
        self._unreadable: list[Problem] = []
        self._wanted = ""

    def sites(self, settings: Settings, hosts: Iterable[str]) -> tuple[Site, ...]:
        """Choose the certificate of each of these host names."""
        states = self._read_states() if settings.acme else {}
        offers = Offers((*of_files(settings, self._files), *by_acme(states, self._acme / acme_files.ISSUED)))
        now = datetime.now(UTC)
        return tuple(
            self._site(host, offers, now, states.get(host.lower(), NameState())) for host in dict.fromkeys(hosts)
        )

    def stamp(self) -> int:
        """Return a number that changes whenever the ACME program writes its state."""
        try:
            return (self._acme / acme_files.STATE).stat().st_mtime_ns
        except OSError:
            return 0

    def _site(self, host: str, offers: Offers, now: datetime, state: NameState) -> Site:
        faults: list[str] = []
        for offer in offers.for_name(host, now):
            try:
                return Site(host, offer, self._store.kept(offer.certificate, offer.key), tuple(faults), state)
            except UnusableError as error:
                faults.append(f"{offer.title} cannot be served: {error}")
        return Site(host, faults=tuple(faults), state=state)

    def _read_states(self) -> dict[str, NameState]:
        path = self._acme / acme_files.STATE
        self._unreadable = []
        try:
            stamp = path.stat().st_mtime_ns
            if stamp != self._states[0]:
                self._states = stamp, acme_files.read_states(path.read_text())
        except FileNotFoundError:
            self._states = 0, {}
        except (OSError, ValueError) as error:
            # Those that it had before are still good.
            self._unreadable = [Problem("certificate", f"cannot read {path}: {error}", subject=str(path))]
        return self._states[1]

    def problems(self, settings: Settings, sites: Iterable[Site]) -> list[Problem]:
        """Return what is wrong with the sites' certificates."""
        now = datetime.now(UTC)
        every = (problem for site in sites for problem in _of(site, now))
        return [*self._unreadable, *of_certificate(settings, now), *_ending(settings, now), *every]

    def request(self, settings: Settings, sites: Iterable[Site]) -> None:
        """Tell the ACME program the names without a file of the user's own."""
        now = datetime.now(UTC)
        names = sorted(site.name for site in sites if not (site.offer and site.offer.own and not site.offer.ended(now)))
        text = acme_files.written_wanted(names)
        if text == self._wanted or not settings.acme:
            return
        path = self._acme / acme_files.WANTED
        try:
            acme_files.replace_file(path, text)
            self._wanted = text
        except OSError as error:
            write_line(f"cannot write {path}: {error.strerror}")


def copies(sites: Iterable[Site]) -> dict[str, Path]:
    """Return the copies by host name; a site without one gets the fleet's authority's."""
    return {site.name: site.copy for site in sites if site.copy}


def of_certificate(settings: Settings, now: datetime) -> list[Problem]:
    """Return a problem if the default site's certificate expires soon."""
    if not settings.certificate_end:
        return []
    end = datetime.fromisoformat(settings.certificate_end).astimezone(UTC)
    return ending(f"the certificate of {settings.node}'s front", end, settings.certificate_file, now)


def _ending(settings: Settings, now: datetime) -> Iterator[Problem]:
    """Find the user's own files that end soon; that of the default site has a problem of its own."""
    for file in settings.certificates:
        if file.own != settings.certificate_file:
            whose = f"the certificate of {', '.join(file.names[:3])}"
            yield from ending(whose, datetime.fromisoformat(file.end), file.own, now)


def _of(site: Site, now: datetime) -> Iterator[Problem]:
    served = f"{site.offer.title} is" if site.offer else "the fleet's own is"
    for fault in site.faults:
        yield Problem("certificate", f"{site.name}: {fault}; {served} served instead", subject=f"{site.name} file")
    if site.offer and site.offer.own:
        # An end of the user's own file is a problem of that file.
        return
    if site.offer and site.offer.ended(now):
        reason = site.state.error or "no other came yet"
        text = f"{site.name}: its certificate ended on {site.offer.end:%Y-%m-%d}, and is still served: {reason}"
        yield Problem("expired", text, subject=site.name, next="rollcall certificates INVENTORY")
    elif site.state.error:
        text = (
            f"{site.name}: its certificate is not renewed, and ends on {site.offer.end:%Y-%m-%d}: {site.state.error}"
            if site.offer
            else f"{site.name} has no certificate of its own: {site.state.error}"
        )
        yield Problem("certificate", text, subject=site.name)
