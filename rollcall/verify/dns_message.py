"""Write DNS queries and parse responses (RFC 1035), for one particular server and without a tool on the host."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_TYPE_A = 1
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
# RFC 1035, section 4.1.1.
_CODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


@dataclass(frozen=True)
class Answer:
    """A server's response: its code (NOERROR, NXDOMAIN …) and IPv4 addresses."""

    code: str
    addresses: frozenset[str]


def question(name: str, identifier: int) -> bytes:
    """Write a query for the IPv4 addresses of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    recursion_desired = 0x0100
    return _HEADER.pack(identifier, recursion_desired, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", _TYPE_A, 1)


def answer(message: bytes, name: str) -> Answer:
    """Parse a server's response to a query for a name; raise ValueError for invalid bytes."""
    try:
        _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
        position = _HEADER.size
        asked = ".".join(_labels(message, position)) if questions else ""
        if questions and asked.lower() != name.lower():
            raise ValueError(f"queried {name}, but the response is for {asked}")
        for _ in range(questions):
            position = _after_name(message, position) + 4
        addresses = set()
        for _ in range(answers):
            position = _after_name(message, position)
            kind, _, _, length = _RECORD.unpack_from(message, position)
            position += _RECORD.size
            if kind == _TYPE_A:
                addresses.add(socket.inet_ntoa(message[position : position + length]))
            position += length
    except (struct.error, IndexError, OSError) as error:
        raise ValueError(f"the response is truncated or damaged: {error}") from None
    code = flags & 0xF
    return Answer(_CODES.get(code, f"code {code}"), frozenset(addresses))


def _labels(message: bytes, position: int) -> Iterator[str]:
    """Read the name of a query, which has no pointers."""
    while length := message[position]:
        yield message[position + 1 : position + 1 + length].decode("ascii", "replace")
        position += length + 1


def _after_name(message: bytes, position: int) -> int:
    while message[position]:
        if message[position] & 0xC0:  # a pointer to an earlier name is the last label
            return position + 2
        position += message[position] + 1
    return position + 1
