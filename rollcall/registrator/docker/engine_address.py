"""Read the Docker Engine's address from the variables of Docker's own command line."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rollcall.registrator.flags import UsageError
from rollcall.registrator.http_connection import Target
from rollcall.registrator.tls import client_context

DEFAULT_HOST = "unix:///tmp/docker.sock"
PORT, TLS_PORT = 2375, 2376


def engine_target(environment: Mapping[str, str]) -> Target:
    """Read DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. Raises UsageError."""
    host = environment.get("DOCKER_HOST") or DEFAULT_HOST
    form = "expected unix:///path/to.sock or tcp://HOST:PORT"
    try:
        parts = urlsplit(host)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"DOCKER_HOST: got {host!r} ({error}); {form}") from None
    if parts.scheme == "unix" and not parts.netloc and parts.path not in ("", "/"):
        return Target(socket=parts.path)
    if parts.scheme not in ("tcp", "http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise UsageError(f"DOCKER_HOST: got {host!r}; {form}")
    tls = _tls(environment, https=parts.scheme == "https")
    return Target(parts.hostname, port or (TLS_PORT if tls else PORT), tls=tls)


def _tls(environment: Mapping[str, str], *, https: bool) -> ssl.SSLContext | None:
    """As Docker's command line: a certificate folder without DOCKER_TLS_VERIFY accepts any server."""
    folder, verify = environment.get("DOCKER_CERT_PATH", ""), bool(environment.get("DOCKER_TLS_VERIFY"))
    if not folder and not verify:
        return ssl.create_default_context() if https else None
    files = Path(folder) if folder else Path.home() / ".docker"
    own = files / "cert.pem"
    certificate, key = (str(own), str(files / "key.pem")) if own.exists() else ("", "")
    authority = str(files / "ca.pem") if verify else ""
    context = client_context(authority, certificate, key, setting="DOCKER_CERT_PATH" if folder else "DOCKER_TLS_VERIFY")
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
