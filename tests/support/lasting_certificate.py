"""A certificate of which only the end is true: its text tells a test which one it is."""

from datetime import UTC, datetime

from typing_extensions import override

from rollcall.secrets.certificates import Certificate


class LastingCertificate(Certificate):
    """One that ends some day."""

    @property
    @override
    def end(self) -> datetime:
        return datetime(2027, 11, 28, tzinfo=UTC)
