"""Where the Docker Engine is, by the variables that docker's own command line reads."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rollcall.registrator.flags import UsageError
from rollcall.registrator.http_connection import Target

DEFAULT_HOST = "unix:///tmp/docker.sock"
PORT, TLS_PORT = 2375, 2376


def engine_target(environment: Mapping[str, str]) -> Target:
    """Read DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. Raises UsageError."""
    host = environment.get("DOCKER_HOST") or DEFAULT_HOST
    right = "expected unix:///path/to.sock or tcp://HOST:PORT"
    try:
        parts = urlsplit(host)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"DOCKER_HOST: got {host!r} ({error}); {right}") from None
    if parts.scheme == "unix" and not parts.netloc and parts.path not in ("", "/"):
        return Target(socket=parts.path)
    if parts.scheme not in ("tcp", "http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise UsageError(f"DOCKER_HOST: got {host!r}; {right}")
    certificates, verify = environment.get("DOCKER_CERT_PATH", ""), bool(environment.get("DOCKER_TLS_VERIFY"))
    tls = _tls(certificates, verify=verify) if certificates or verify or parts.scheme == "https" else None
    return Target(parts.hostname, port or (TLS_PORT if tls else PORT), tls=tls)


def _tls(folder: str, *, verify: bool) -> ssl.SSLContext:
    files = Path(folder) if folder else Path.home() / ".docker"
    try:
        context = ssl.create_default_context(cafile=str(files / "ca.pem") if verify and folder else None)
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if (files / "cert.pem").exists():
            context.load_cert_chain(files / "cert.pem", files / "key.pem")
    except OSError as error:
        raise UsageError(f"DOCKER_CERT_PATH: got {folder!r} ({error}); expected a folder with PEM files") from None
    return context
