"""Validate the command line into settings."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rollcall.registrator import logs
from rollcall.registrator.docker.container import read_ip
from rollcall.registrator.flags import CommandLine, UsageError
from rollcall.registrator.services import template

# Registries of the original registrator that this one does not support.
OTHER_REGISTRIES = ("consulkv", "consulkv-unix", "coredns", "etcd", "etcd-tls", "skydns2", "skydns", "zookeeper")
CONSUL_PORT = 8500


@dataclass(frozen=True)
class AgentAddress:
    """The Consul agent's host and port, or Unix socket."""

    scheme: str
    host: str = ""
    port: int = 0
    socket: str = ""

    def __str__(self) -> str:
        """Return it as on the command line."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{self.socket or f'{host}:{self.port}'}"


@dataclass(frozen=True)
class Endpoint:
    """An address and port to listen on."""

    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """Settings of one run. `hostname` starts every id; an empty `host_address` means the agent's own."""

    agent: AgentAddress
    hostname: str
    host_address: str = ""
    ip: str = ""
    internal: bool = False
    explicit: bool = False
    # A list with commas, or a template that produces one.
    tags: str = ""
    address_label: str = ""
    ip_from_container: bool = False
    resync_seconds: int = 0
    cleanup: bool = False
    deregister_failed: bool = True
    deregister_on_exit: bool = False
    # Whether the agent runs script checks.
    script_checks: bool = True
    retry_attempts: int = 0
    retry_seconds: float = 2.0
    # None: no /healthz and /metrics.
    status: Endpoint | None = None
    log_format: str = logs.TEXT
    # Consul's token, empty without one. Secret.
    token: str = field(default="", repr=False)


def settings_from(line: CommandLine, hostname: str, host_address: str, token: str = "") -> Settings:
    """Validate a command line. Raises UsageError with the fault and the expected form."""
    _check(line)
    dry = line.once and line.switch("dry")
    ip = _ip(line.text("ip"))
    return Settings(
        # A dry run needs no agent.
        agent=_agent(line.arguments or ([f"consul://127.0.0.1:{CONSUL_PORT}"] if dry else [])),
        hostname=hostname,
        host_address=ip or host_address,
        ip=ip,
        internal=line.switch("internal"),
        explicit=line.switch("explicit"),
        tags=line.text("tags"),
        address_label=line.text("useIpFromLabel"),
        ip_from_container=line.switch("ip-from-container"),
        resync_seconds=line.number("resync"),
        cleanup=line.switch("cleanup"),
        deregister_failed=line.text("deregister") == "always",
        deregister_on_exit=line.switch("deregister-on-exit"),
        script_checks=line.switch("script-checks"),
        retry_attempts=line.number("retry-attempts"),
        retry_seconds=line.number("retry-interval") / 1000,
        status=None if line.text("status") == "off" else endpoint(line.text("status")),
        log_format=line.text("log-format"),
        token=token,
    )


def _ip(text: str) -> str:
    """Validate -ip: an address at which others reach this host. Raises UsageError."""
    address = read_ip(text)
    if text and (address is None or address.is_unspecified or address.is_multicast or "%" in text):
        raise UsageError(f"-ip: got {text!r}; expected one IP address of this host, such as 10.0.0.1 or fd00::1")
    return str(address or "")


def _check(line: CommandLine) -> None:
    for name in ("resync", "ttl", "ttl-refresh"):
        if line.number(name) < 0:
            raise UsageError(f"-{name}: got {line.text(name)}; expected 0 or more")
    if line.switch("dry") and not line.once:
        raise UsageError("-dry: expected after once: registrator once -dry")
    if line.number("retry-attempts") < -1:
        raise UsageError(
            f"-retry-attempts: got {line.text('retry-attempts')}; expected a number of attempts, or -1 for no limit"
        )
    if line.number("retry-interval") <= 0:
        raise UsageError(f"-retry-interval: got {line.text('retry-interval')}; expected milliseconds above 0")
    if line.text("deregister") not in ("always", "on-success"):
        raise UsageError(f"-deregister: got {line.text('deregister')!r}; expected always or on-success")
    if line.text("log-format") not in (logs.TEXT, logs.JSON):
        raise UsageError(f"-log-format: got {line.text('log-format')!r}; expected text or json")
    ttl, refresh = line.number("ttl"), line.number("ttl-refresh")
    if (ttl > 0) != (refresh > 0):
        raise UsageError("-ttl and -ttl-refresh: got only one; expected both or neither")
    if ttl > 0 and ttl <= refresh:
        raise UsageError(f"-ttl: got {ttl}; expected more than -ttl-refresh ({refresh})")
    try:
        template.parse(line.text("tags"))
    except template.TemplateError as error:
        raise UsageError(f"-tags: invalid template: {error}") from None


def endpoint(text: str) -> Endpoint:
    """Parse ADDRESS:PORT. Raises UsageError."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or f"//{parts.netloc}" != f"//{text}":
        raise UsageError(f"-status: got {text!r}; expected ADDRESS:PORT, such as 127.0.0.1:8510, or off")
    return Endpoint(host, port)


def _agent(arguments: list[str]) -> AgentAddress:
    if not arguments:
        raise UsageError("the Consul agent's address is missing; expected it last, such as consul://127.0.0.1:8500")
    if len(arguments) > 1:
        raise UsageError(f"unexpected argument {arguments[1]!r}; flags come before the agent's address")
    text = arguments[0]
    scheme = text.partition("://")[0]
    if scheme in OTHER_REGISTRIES:
        raise UsageError(f"{scheme} is not supported; expected a Consul agent, such as consul://127.0.0.1:8500")
    if scheme not in ("consul", "consul-tls", "consul-unix") or "://" not in text:
        raise UsageError(f"invalid agent address {text!r}; expected consul://, consul-tls:// or consul-unix://")
    return _unix(text) if scheme == "consul-unix" else _by_port(scheme, text)


def _unix(text: str) -> AgentAddress:
    path = text.removeprefix("consul-unix://")
    if not path.startswith("/") or path == "/":
        raise UsageError(f"invalid agent address {text!r}; expected consul-unix:///path/to.sock, with three slashes")
    return AgentAddress("consul-unix", socket=path)


def _by_port(scheme: str, text: str) -> AgentAddress:
    try:
        parts = urlsplit(text)
        port = CONSUL_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise UsageError(f"invalid agent address {text!r}: {error}") from None
    host = parts.hostname or "127.0.0.1"
    bare = f"{host}:{port}".count(":") > 1 and "[" not in parts.netloc
    if port == 0 or bare or "@" in parts.netloc or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise UsageError(f"invalid agent address {text!r}; expected {scheme}://HOST:PORT, with [HOST] for IPv6")
    return AgentAddress(scheme, host=host, port=port)
