"""The forms that values of settings take: what pydantic checks, and the words an error sentence and the docs share."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from rollcall.contract import networks


@dataclass(frozen=True)
class Expected:
    """What a value must look like, as the end of "got VALUE; expected …", and the unit of a number."""

    form: str
    unit: str = ""

    def __str__(self) -> str:
        """End an error sentence."""
        return f"{self.form}, in {self.unit}" if self.unit else self.form


_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4_PATTERN = rf"{_OCTET}(\.{_OCTET}){{3}}"
PORT_PATTERN = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"  # 1 to 65535

Image = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._/:@-]*[a-z0-9])?$", max_length=255),
    Expected('an image name such as "nginx:1.30"'),
]
ImageSource = Annotated[
    Literal["pull", "push"], Expected('"pull" (the host\'s engine pulls it) or "push" (this machine sends it over SSH)')
]
Switch = Annotated[bool, Expected("True or False")]
Port = Annotated[int, Field(ge=1, le=65535), Expected("a port from 1 to 65535")]
Seconds = Annotated[int, Field(ge=1, le=3600), Expected("an integer from 1 to 3600", "seconds")]
Ipv4 = Annotated[str, StringConstraints(pattern=rf"^{IPV4_PATTERN}$"), Expected('an IPv4 address such as "10.0.0.11"')]
Network = Annotated[
    str, AfterValidator(networks.network), Expected('a network such as "10.0.0.0/8" or "2001:db8::/32", or one address')
]
# An RFC 1123 label, because these become parts of DNS names.
DnsLabel = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
    Expected('a DNS label (lower-case letters, digits and dashes, at most 63) such as "webserver"'),
]
DnsName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"),
    Expected('a DNS name without leading or trailing dot, such as "consul"'),
]
# consul-template's query: an optional tag, a dot, a service name. A dot inside the name would break it.
ServiceQuery = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9_-]+\.)?[A-Za-z0-9_-]+$"),
    Expected('a service, "name" or "tag.name"'),
]
# As nginx writes them; 0 is its word for any size.
Size = Annotated[
    str,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,5}[kmg])$"),
    Expected('a size such as "100m" (k, m or g), or "0" for any size'),
]
FileSize = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,5}[kmg]$"),
    Expected('the size of a file such as "100m" (k, m or g)'),
]
_SIZE_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_PERIOD_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SHORTEST_PERIOD_SECONDS = 10


def seconds(period: str) -> int:
    """Return the seconds of a Period."""
    return int(period[:-1]) * _PERIOD_UNITS[period[-1]]


def file_bytes(size: str) -> int:
    """Return the bytes of a FileSize."""
    return int(size[:-1]) * _SIZE_UNITS[size[-1]]


def _long_enough(period: str) -> str:
    if seconds(period) < _SHORTEST_PERIOD_SECONDS:
        raise ValueError("too short")
    return period


def _own(directory: str) -> str:
    parts = directory.split("/")[1:]
    shallow = len(parts) < (3 if parts[0] in ("var", "usr", "home") else 2)
    if shallow or parts[0] in ("etc", "proc", "sys", "dev", "run", "boot", "bin", "sbin", "lib", "usr", "tmp"):
        raise ValueError("not for this alone")
    return directory


Period = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,5}[smhd]$"),
    AfterValidator(_long_enough),
    Expected('a time with its unit (s, m, h or d), such as "1h", of at least 10 s'),
]
# Rollcall owns the directory, so it is none that the system or others use.
OwnDirectory = Annotated[
    str,
    StringConstraints(pattern=r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}$"),
    AfterValidator(_own),
    Expected('an absolute path of a directory for this alone, such as "/srv/consul-backups"'),
]
Duration = Annotated[
    str, StringConstraints(pattern=r"^[1-9][0-9]*(ms|s|m)$"), Expected('a duration with its unit, such as "5s"')
]
