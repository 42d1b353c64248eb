"""Serve saved images to the hosts' engines from a registry on this machine's loopback.

Each host pulls under its own unguessable name: the registry knows what each host fetched, and serves no other user of
either machine.
"""

import json
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, cast

from rollcall.images.compressed import Compressor
from rollcall.images.saved import MANIFEST_TYPE, Blob, Saved

_PATH = re.compile(r"/v2/([0-9a-f]{32})/image/(manifests|blobs)/(\S+)")


@dataclass
class Offer:
    """One image for one host, whether its engine has requested it, and what it has fetched.

    `sent` are bytes of the image, `on_the_wire` what they became by compression.
    """

    image: Saved
    requested: bool = False
    sent: int = 0
    on_the_wire: int = 0
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    _sending: int = 0
    _counting: Lock = field(default_factory=Lock)

    @property
    def unpacks(self) -> bool:
        """Whether all that the host has requested is sent, so that it has only to unpack it."""
        return self.sent > 0 and self._sending == 0

    def send(self, blob: Blob, copy: Blob | None, write: Callable[[bytes], object], start: int = 0) -> None:
        """Write a blob from an offset on, or all of its compressed copy; several may be sent at once."""
        self._count(sending=1)
        try:
            wire = copy or blob
            done = start
            written = 0
            for chunk in wire.chunks(start):
                written += len(chunk)
                upto = written * blob.size // wire.size if copy else start + written
                # Count before the write: an engine may finish with the last byte before this thread continues.
                self._count(sent=upto - done, on_the_wire=len(chunk))
                done = upto
                write(chunk)
        finally:
            self._count(sending=-1)

    def _count(self, *, sent: int = 0, on_the_wire: int = 0, sending: int = 0) -> None:
        with self._counting:
            self.sent += sent
            self.on_the_wire += on_the_wire
            self._sending += sending

    def reference(self, address: str) -> str:
        """Return the name under which an engine pulls the image from a registry at that address."""
        return f"{address}/{self.name}/image:sent"


class Registry:
    """A registry that serves offers while it is open."""

    def __init__(self, server: "_Server") -> None:
        """Take a running server."""
        self._server = server

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._server.server_address[1]

    @property
    def compressor(self) -> Compressor:
        """What compresses each layer once for all hosts."""
        return self._server.compressor

    @contextmanager
    def offered(self, image: Saved) -> Iterator[Offer]:
        """Serve an image under its own name while the block runs."""
        offer = Offer(image)
        self._server.offers[offer.name] = offer
        try:
            yield offer
        finally:
            del self._server.offers[offer.name]


@contextmanager
def registry() -> Iterator[Registry]:
    """Open a registry on a free port while the block runs."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.accept_all, daemon=True).start()
        try:
            yield Registry(server)
        finally:
            server.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.offers: dict[str, Offer] = {}
        self.compressor = Compressor()
        self._open = True

    def accept_all(self) -> None:
        """Serve until `stop`.

        serve_forever would wait with a selector that blocks all of gevent, and so pyinfra, if socketserver was imported
        before gevent.
        """
        with suppress(OSError):
            while self._open:
                self.process_request(*self.get_request())

    def stop(self) -> None:
        """Stop serving; a connection of our own ends the wait for the next one."""
        self._open = False
        socket.create_connection(("127.0.0.1", self.server_address[1])).close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a closed connection: the engine reports the reason itself."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An engine with containerd's store tries TLS first, and HTTP only after an HTTP response.
    default_request_version = "HTTP/1.1"

    @property
    def _server(self) -> _Server:
        return cast(_Server, self.server)

    def do_GET(self) -> None:
        """Serve the pull requests of the distribution specification."""
        self._respond(with_body=True)

    def do_HEAD(self) -> None:
        """Respond as to GET, without a body."""
        self._respond(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a deploy reports what was sent."""

    def _respond(self, *, with_body: bool) -> None:
        if self.path == "/v2/":
            self._send(HTTPStatus.OK, "application/json", b"{}")
            return
        found = _PATH.fullmatch(self.path)
        offer = self._server.offers.get(found[1]) if found else None
        if found is None or offer is None:
            self._send_missing("NAME_UNKNOWN")
            return
        offer.requested = True
        if found[2] == "manifests" and found[3] in ("sent", offer.image.digest):
            body = offer.image.manifest
            self._send(HTTPStatus.OK, MANIFEST_TYPE, body, digest=offer.image.digest, with_body=with_body)
        elif found[2] == "blobs" and found[3] in offer.image.blobs:
            self._send_blob(offer, found[3], with_body=with_body)
        else:
            self._send_missing("BLOB_UNKNOWN")

    def _send_blob(self, offer: Offer, digest: str, *, with_body: bool) -> None:
        blob = offer.image.blobs[digest]
        start = self._range_start(blob.size)
        copy = self._server.compressor.copy(blob) if with_body and self._takes_gzip() else None
        self.send_response(HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{blob.size - 1}/{blob.size}")
        self.send_header("Content-Type", "application/octet-stream")
        if copy:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(copy.size if copy else blob.size - start))
        self.send_header("Docker-Content-Digest", digest)
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if with_body:
            offer.send(blob, copy, self.wfile.write, start)

    def _takes_gzip(self) -> bool:
        """Return whether the engine undoes gzip before it checks the digest; a part of a blob stays as it is."""
        return "gzip" in self.headers.get("Accept-Encoding", "") and "Range" not in self.headers

    def _range_start(self, size: int) -> int:
        """Return where an interrupted download continues; engines request no other ranges."""
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        return int(found[1]) if found and int(found[1]) < size and found[2] in ("", str(size - 1)) else 0

    def _send_missing(self, code: str) -> None:
        body = json.dumps({"errors": [{"code": code, "message": "not offered"}]}).encode()
        self._send(HTTPStatus.NOT_FOUND, "application/json", body)

    def _send(
        self, status: HTTPStatus, content_type: str, body: bytes, *, digest: str = "", with_body: bool = True
    ) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()
        if with_body:
            self.wfile.write(body)
