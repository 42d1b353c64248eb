"""What one run of the registrator is told: from the command line, checked."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rollcall.registrator import logs
from rollcall.registrator.docker.container import read_ip
from rollcall.registrator.flags import CommandLine, UsageError
from rollcall.registrator.services import template

# What the original registrator also wrote to, and this one does not.
OTHER_REGISTRIES = ("consulkv", "consulkv-unix", "coredns", "etcd", "etcd-tls", "skydns2", "skydns", "zookeeper")
CONSUL_PORT = 8500


@dataclass(frozen=True)
class AgentAddress:
    """Where the Consul agent listens: a host and port, or a Unix socket."""

    scheme: str
    host: str = ""
    port: int = 0
    socket: str = ""

    def __str__(self) -> str:
        """Spell it as on the command line."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{self.socket or f'{host}:{self.port}'}"


@dataclass(frozen=True)
class Endpoint:
    """An address and port to listen at."""

    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """One run's settings. `hostname` begins every id; `host_address` is empty when only Consul knows it."""

    agent: AgentAddress
    hostname: str
    host_address: str = ""
    ip: str = ""
    internal: bool = False
    explicit: bool = False
    # A list with commas, or a template that makes one.
    tags: str = ""
    address_label: str = ""
    ip_from_container: bool = False
    resync_seconds: int = 0
    cleanup: bool = False
    deregister_failed: bool = True
    deregister_on_exit: bool = False
    # Whether the agent runs the checks that are commands.
    script_checks: bool = True
    retry_attempts: int = 0
    retry_seconds: float = 2.0
    # None: the registrator does not listen at all.
    status: Endpoint | None = None
    log_format: str = logs.TEXT
    # What the agent is shown, empty for nothing. Secret.
    token: str = field(default="", repr=False)


def settings_from(line: CommandLine, hostname: str, host_address: str, token: str = "") -> Settings:
    """Make settings of a command line. Raises UsageError: what is wrong and what would be right."""
    _check(line)
    dry = line.once and line.switch("dry")
    ip = _ip(line.text("ip"))
    return Settings(
        # Where nothing is written, the agent need not be named.
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
    """Check the address for published ports: one at which others reach this host. Raises UsageError."""
    address = read_ip(text)
    if text and (address is None or address.is_unspecified or address.is_multicast or "%" in text):
        raise UsageError(f"-ip: got {text!r}; expected one IP address of this host, such as 10.0.0.1 or fd00::1")
    return str(address or "")


def _check(line: CommandLine) -> None:
    for name in ("resync", "ttl", "ttl-refresh"):
        if line.number(name) < 0:
            raise UsageError(f"the flag -{name} cannot be negative, it is {line.text(name)}")
    if line.switch("dry") and not line.once:
        raise UsageError("the flag -dry belongs to once: registrator once -dry")
    if line.number("retry-attempts") < -1:
        raise UsageError("the flag -retry-attempts is a number of attempts, or -1 for ever")
    if line.number("retry-interval") <= 0:
        raise UsageError("the flag -retry-interval is a number of milliseconds above 0")
    if line.text("deregister") not in ("always", "on-success"):
        raise UsageError(f"the flag -deregister is always or on-success, not {line.text('deregister')!r}")
    if line.text("log-format") not in (logs.TEXT, logs.JSON):
        raise UsageError(f"the flag -log-format is text or json, not {line.text('log-format')!r}")
    ttl, refresh = line.number("ttl"), line.number("ttl-refresh")
    if (ttl > 0) != (refresh > 0):
        raise UsageError("the flags -ttl and -ttl-refresh are given both or neither")
    if ttl > 0 and ttl <= refresh:
        raise UsageError(f"the flag -ttl ({ttl}) must be greater than -ttl-refresh ({refresh})")
    try:
        template.parse(line.text("tags"))
    except template.TemplateError as error:
        raise UsageError(f"the flag -tags holds a template that cannot be read: {error}") from None


def endpoint(text: str) -> Endpoint:
    """Read ADDRESS:PORT. Raises UsageError."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or f"//{parts.netloc}" != f"//{text}":
        raise UsageError(f"the flag -status needs an address and a port, such as 127.0.0.1:8510, not {text!r}")
    return Endpoint(host, port)


def _agent(arguments: list[str]) -> AgentAddress:
    if not arguments:
        raise UsageError("the address of the Consul agent is missing: give it last, such as consul://127.0.0.1:8500")
    if len(arguments) > 1:
        raise UsageError(f"{arguments[1]!r} is too much: the agent's address comes last, and flags before it")
    text = arguments[0]
    scheme = text.partition("://")[0]
    if scheme in OTHER_REGISTRIES:
        raise UsageError(f"{scheme} is not supported: only Consul is, such as consul://127.0.0.1:8500")
    if scheme not in ("consul", "consul-tls", "consul-unix") or "://" not in text:
        raise UsageError(f"{text!r} is no address of a Consul agent: write consul://, consul-tls:// or consul-unix://")
    return _unix(text) if scheme == "consul-unix" else _by_port(scheme, text)


def _unix(text: str) -> AgentAddress:
    path = text.removeprefix("consul-unix://")
    if not path.startswith("/") or path == "/":
        raise UsageError(f"{text!r} names no socket: write consul-unix:///path/to.sock, with three slashes")
    return AgentAddress("consul-unix", socket=path)


def _by_port(scheme: str, text: str) -> AgentAddress:
    try:
        parts = urlsplit(text)
        port = CONSUL_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no address of a Consul agent: {error}") from None
    host = parts.hostname or "127.0.0.1"
    bare = f"{host}:{port}".count(":") > 1 and "[" not in parts.netloc
    if port == 0 or bare or "@" in parts.netloc or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise UsageError(f"{text!r} is no address of a Consul agent: expected {scheme}://HOST:PORT, or [HOST] for IPv6")
    return AgentAddress(scheme, host=host, port=port)
