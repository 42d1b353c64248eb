"""Choose each site's certificate: a file of the user's own, then one by ACME, then the fleet's authority's."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rollcall.contract.acme_files import NameState
from rollcall.front.inputs.settings import Settings


@dataclass(frozen=True)
class Offer:
    """A certificate that a site may have.

    `certificate` and `key` are its files, the same one for both in one file; `own` is the user's path of it, empty for
    one by ACME.
    """

    names: tuple[str, ...]
    certificate: Path
    key: Path
    issuer: str
    end: datetime
    own: str = ""

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.own or "the certificate by ACME"

    def ended(self, now: datetime) -> bool:
        """Whether it is past its end, by this host's clock."""
        return self.end <= now


class Offers:
    """All certificates that sites may have, by their names."""

    def __init__(self, every: Iterable[Offer]) -> None:
        """Index them."""
        self.all = tuple(every)
        self._by_name: dict[str, list[Offer]] = {}
        for offer in self.all:
            for name in offer.names:
                self._by_name.setdefault(name.lower(), []).append(offer)

    def for_name(self, host: str, now: datetime) -> list[Offer]:
        """Return the certificates for a name, the best first.

        Files come before ACME, the name itself before a wildcard; of several alike, the one that lasts longest. Those
        that ended come last, the latest first: a browser trusts the fleet's own no more, and if this host's clock is
        wrong, visitors notice nothing.
        """
        fitting = [
            (*((1, 0, 0) if offer.ended(now) else (0, not offer.own, rank)), -offer.end.timestamp(), offer)
            for rank, name in enumerate(accepted(host))
            for offer in self._by_name.get(name, ())
        ]
        return [offer for *_, offer in sorted(fitting, key=lambda found: found[:4])]


def accepted(host: str) -> Iterator[str]:
    """Return the names that a host's certificate may have (RFC 6125, 6.4.3): a wildcard stands for one label.

    A site of a wildcard needs a certificate with the same wildcard.
    """
    host = host.lower()
    yield host
    label, dot, parent = host.partition(".")
    if dot and label != "*":
        yield f"*.{parent}"


def of_files(settings: Settings, folder: Path) -> Iterator[Offer]:
    """Return the certificates of front.certificates, and of front.certificate."""
    for file in settings.certificates:
        end = datetime.fromisoformat(file.end)
        yield Offer(file.names, folder / file.certificate, folder / file.key, file.issuer, end, file.own)


def by_acme(states: Mapping[str, NameState], folder: Path) -> Iterator[Offer]:
    """Return the certificates that the ACME program has."""
    for name, state in states.items():
        if state.digest:
            path = folder / f"{name}.pem"
            yield Offer((name,), path, path, state.issuer, datetime.fromisoformat(state.end))
