"""Make the Consul check that a container's metadata requests."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rollcall.registrator.docker.container import Container, Port
from rollcall.registrator.services import scripts
from rollcall.registrator.services.durations import nanoseconds
from rollcall.registrator.services.errors import BadValueError
from rollcall.registrator.services.metadata import Metadata
from rollcall.registrator.settings import Settings

# A check as Consul's agent takes it, https://developer.hashicorp.com/consul/api-docs/agent/check
Check = Mapping[str, str | bool | list[str]]

DEFAULT_INTERVAL = "10s"
# RFC 9110: a method is a token.
METHOD = re.compile(r"[A-Z0-9!#$%&'*+.^_`|~-]{1,32}")
# A URL's path: no blanks, no control characters.
PATH = re.compile(r"[!-~\u00a1-\U0010ffff]+")
STATUSES = ("passing", "warning", "critical")


@dataclass(frozen=True)
class Target:
    """A service's address, and its container."""

    address: str
    port: int
    container: Container
    inner: Port

    @property
    def host_and_port(self) -> str:
        """Return the address for a URL: IPv6 in brackets, the agent's host without an address."""
        host = self.address or "127.0.0.1"
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def check_for(metadata: Metadata, target: Target, settings: Settings) -> tuple[Check | None, str]:
    """Return a service's only check, the first kind in the order of KINDS, and a remark.

    Raises BadValueError for a value that Consul would reject.
    """
    note = ""
    for key, make in KINDS:
        if not (_wanted(metadata, key) if key in SWITCHES else metadata.get(key)):
            continue
        if (why := _unsupported(key, metadata, target, settings)) is not None:
            note = note or why
            continue
        check = make(metadata, target) | _common(metadata)
        if key == "check_script" and scripts.split(metadata.get(key))[1]:
            note = note or f"{metadata.spelled(key)} runs without a shell; for a pipe write sh -c '…'"
        return check if "TTL" in check else check | _timing(metadata), note
    return None, note


def _unsupported(key: str, metadata: Metadata, target: Target, settings: Settings) -> str | None:
    """Return why a service cannot have a check; None: it can; "": it cannot, without a remark."""
    if key in BY_SCRIPT and not settings.script_checks:
        return f"without {metadata.spelled(key)}: this host's Consul agent runs no scripts (-script-checks=false)"
    if key not in BY_TCP or target.inner.protocol == "tcp":
        return None
    # Metadata for the whole container is for its TCP ports, if there are any.
    ports = {*target.container.exposed, *target.container.published}
    numbers = {port.number for port in ports if port.protocol == "tcp"}
    meant = target.inner.number in numbers if metadata.names_port(key) else bool(numbers)
    return "" if meant else f"without {metadata.spelled(key)}: it connects by TCP, and this port is UDP"


Fields = dict[str, str | bool | list[str]]


def _http(scheme: str) -> Callable[[Metadata, Target], Fields]:
    def make(metadata: Metadata, target: Target) -> Fields:
        path = metadata.get(f"check_{scheme}")
        if not PATH.fullmatch(path):
            raise BadValueError(
                metadata.spelled(f"check_{scheme}"), path, "expected a path without spaces, such as /health"
            )
        slash = "" if path.startswith("/") else "/"
        check: Fields = {"HTTP": f"{scheme}://{target.host_and_port}{slash}{path}"}
        method = metadata.get(f"check_{scheme}_method").upper()
        if method and not METHOD.fullmatch(method):
            raise BadValueError(metadata.spelled(f"check_{scheme}_method"), method, "expected a method such as HEAD")
        return check | {"Method": method} if method else check

    return make


def _command(metadata: Metadata, target: Target) -> Fields:
    # `check-cmd` is the user's script beside the agent, as for the original registrator.
    arguments = ["check-cmd", target.container.short_id, str(target.inner.number), metadata.get("check_cmd")]
    return {"Args": arguments}


def _script(metadata: Metadata, target: Target) -> Fields:
    text = metadata.get("check_script")
    filled = text.replace("$SERVICE_IP", target.address).replace("$SERVICE_PORT", str(target.port))
    try:
        arguments, _ = scripts.split(filled)
    except ValueError as error:
        raise BadValueError(metadata.spelled("check_script"), text, f"expected a command line ({error})") from None
    if not arguments:
        raise BadValueError(metadata.spelled("check_script"), text, "expected a command")
    return {"Args": arguments}


def _ttl(metadata: Metadata, _: Target) -> Fields:
    return {"TTL": _duration(metadata, "check_ttl", zero=False)}


def _tcp(_: Metadata, target: Target) -> Fields:
    return {"TCP": target.host_and_port}


def _grpc(metadata: Metadata, target: Target) -> Fields:
    check: Fields = {"GRPC": target.host_and_port}
    return check | {"GRPCUseTLS": True} if _wanted(metadata, "check_grpc_use_tls") else check


KINDS: tuple[tuple[str, Callable[[Metadata, Target], Fields]], ...] = (
    ("check_http", _http("http")),
    ("check_https", _http("https")),
    ("check_cmd", _command),
    ("check_script", _script),
    ("check_ttl", _ttl),
    ("check_tcp", _tcp),
    ("check_grpc", _grpc),
)
SWITCHES = frozenset({"check_tcp", "check_grpc"})
BY_TCP = frozenset({"check_http", "check_https", "check_tcp", "check_grpc"})
BY_SCRIPT = frozenset({"check_cmd", "check_script"})


def _common(metadata: Metadata) -> Fields:
    check: Fields = {}
    status = metadata.get("check_initial_status")
    if status and status not in STATUSES:
        raise BadValueError(metadata.spelled("check_initial_status"), status, f"expected one of {', '.join(STATUSES)}")
    if status:
        check["Status"] = status
    if metadata.get("check_deregister_after"):
        check["DeregisterCriticalServiceAfter"] = _duration(metadata, "check_deregister_after")
    return check


def _timing(metadata: Metadata) -> Fields:
    wanted = metadata.get("check_interval")
    check: Fields = {"Interval": _duration(metadata, "check_interval", zero=False) if wanted else DEFAULT_INTERVAL}
    if metadata.get("check_timeout"):
        check["Timeout"] = _duration(metadata, "check_timeout")
    if _wanted(metadata, "check_tls_skip_verify"):
        check["TLSSkipVerify"] = True
    return check


def _duration(metadata: Metadata, key: str, *, zero: bool = True) -> str:
    text = metadata.get(key)
    length = nanoseconds(text)
    if length is None:
        raise BadValueError(metadata.spelled(key), text, "expected a duration such as 500ms, 10s or 1m30s")
    if length == 0 and not zero:
        raise BadValueError(metadata.spelled(key), text, "expected a duration above 0")
    return text


def _wanted(metadata: Metadata, key: str) -> bool:
    return metadata.get(key).lower() not in ("", "false", "0")
