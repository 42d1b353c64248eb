"""What Consul's servers listen for at 8300, as agents speak it (agent/pool/conn.go): a byte, then msgpack."""

import socket
import ssl
import tempfile
from dataclasses import dataclass

from rollcall.secrets.certificates import Certificate

PORT = 8300
# The first byte says what follows: a call, Raft's own, TLS around either, TLS for those who have no certificate yet,
# or writes that a server passes on to its leader.
CALL, RAFT, TLS, TLS_INSECURE, RAFT_FORWARDING = b"\x00", b"\x01", b"\x03", b"\x07", b"\x09"


@dataclass(frozen=True)
class Reply:
    """What came back, and whether the server ended the connection."""

    text: bytes
    ended: bool


def client(certificate: Certificate | None = None, protocol: str = "") -> ssl.SSLContext:
    """Give TLS as an attacker has it: whatever the server shows is believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(certificate.certificate + certificate.key)
            file.flush()
            context.load_cert_chain(file.name)
    if protocol:
        context.set_alpn_protocols([protocol])
    return context


def call(method: str, **arguments: str) -> bytes:
    """Encode a call; `arguments` are the fields of its Go struct."""
    header = b"\x82" + _text("ServiceMethod") + _text(method) + _text("Seq") + b"\x00"
    return (
        header + bytes([0x80 + len(arguments)]) + b"".join(map(_text, (x for pair in arguments.items() for x in pair)))
    )


def _text(word: str) -> bytes:
    return bytes([0xA0 + len(word)]) + word.encode()


def speak(address: str, *, before: bytes = b"", tls: ssl.SSLContext | None = None, say: bytes = b"") -> Reply:
    """Connect, send what stands before TLS, and say something; wait a second for what comes back."""
    text = b""
    with socket.create_connection((address, PORT), timeout=5) as plain:
        try:
            plain.sendall(before)
            connection = tls.wrap_socket(plain) if tls else plain
            connection.settimeout(1)
            connection.sendall(say)
            while read := connection.recv(4096):
                text += read
                connection.settimeout(0.2)
        except TimeoutError:
            return Reply(text, ended=False)
        except OSError:  # refused in the handshake, or cut
            return Reply(text, ended=True)
    return Reply(text, ended=True)
