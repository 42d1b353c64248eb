"""Parse Go-style flags, for compatibility with the original registrator."""

import difflib
from dataclasses import dataclass
from enum import Enum

PROGRAM = "registrator"
# The word before the flags that registers once and exits.
ONCE = "once"
TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class UsageError(Exception):
    """Invalid usage. The text is one sentence."""


class Kind(Enum):
    """A flag's type; the value is its name in the help."""

    SWITCH = ""
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True)
class Flag:
    """One flag with its default, spelled as on the command line."""

    name: str
    kind: Kind
    default: str
    meaning: str


FLAGS = {
    flag.name: flag
    for flag in (
        Flag("ip", Kind.TEXT, "", "address for ports that are published on the host"),
        Flag(
            "internal", Kind.SWITCH, "false", "register the containers' own addresses and exposed ports, not the host's"
        ),
        Flag("explicit", Kind.SWITCH, "false", "register only containers that name their service"),
        Flag("tags", Kind.TEXT, "", "tags for every service, after its own; separated by commas, or a {{template}}"),
        Flag("useIpFromLabel", Kind.TEXT, "", "the container's label with its address"),
        Flag("ip-from-container", Kind.SWITCH, "false", "the container's own address, with the published port"),
        Flag("resync", Kind.NUMBER, "0", "seconds between full comparisons with Docker; 0: only after a reconnect"),
        Flag("cleanup", Kind.SWITCH, "false", "deregister services of this host whose container is gone"),
        Flag("deregister", Kind.TEXT, "always", "always, or on-success: containers that fail keep their services"),
        Flag("deregister-on-exit", Kind.SWITCH, "false", "at SIGTERM, deregister this host's services"),
        Flag(
            "script-checks",
            Kind.SWITCH,
            "true",
            "false: the agent runs no scripts; register services without such checks",
        ),
        Flag("ttl", Kind.NUMBER, "0", "accepted for compatibility; no effect on Consul"),
        Flag("ttl-refresh", Kind.NUMBER, "0", "accepted for compatibility; no effect on Consul"),
        Flag(
            "retry-attempts",
            Kind.NUMBER,
            "0",
            "further attempts to reach Consul at start before giving up; 0 or -1: no limit",
        ),
        Flag("retry-interval", Kind.NUMBER, "2000", "longest time between those attempts, in milliseconds"),
        Flag("status", Kind.TEXT, "127.0.0.1:8510", "ADDRESS:PORT of /healthz and /metrics; off: none"),
        Flag("log-format", Kind.TEXT, "text", "text or json"),
        Flag("dry", Kind.SWITCH, "false", "with once: show the services to register, and why others are ignored"),
        Flag("help", Kind.SWITCH, "false", "print this help"),
        Flag("version", Kind.SWITCH, "false", "print the version"),
    )
}


@dataclass(frozen=True)
class CommandLine:
    """Every flag's value, given or default, as validated text, and the arguments after the flags."""

    values: dict[str, str]
    arguments: list[str]
    # Whether the word `once` came first.
    once: bool = False

    def text(self, name: str) -> str:
        """Return a text flag's value."""
        return self.values[name]

    def switch(self, name: str) -> bool:
        """Return a switch's value."""
        return self.values[name] in TRUE

    def number(self, name: str) -> int:
        """Return a number flag's value."""
        return int(self.values[name])


def parse(arguments: list[str]) -> CommandLine:
    """Parse a command line as Go's flag package does. Raises UsageError."""
    values = {flag.name: flag.default for flag in FLAGS.values()}
    once = arguments[:1] == [ONCE]
    rest = arguments[1:] if once else list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        given = rest.pop(0)
        if given == "--":
            break
        name, equals, value = given.removeprefix("-").removeprefix("-").partition("=")
        flag = FLAGS["help"] if name == "h" else _known(name)
        if not equals and flag.kind is Kind.SWITCH:
            value = "true"
        elif not equals:
            if not rest:
                raise UsageError(f"-{name}: expected a value: -{name}={flag.kind.value}")
            value = rest.pop(0)
        values[flag.name] = _checked(flag, value)
    return CommandLine(values, rest, once)


def usage() -> str:
    """Return the help: every flag with type, default and meaning."""
    lines = [
        f"Usage: {PROGRAM} [flags] consul://HOST:PORT",
        f"       {PROGRAM} once [flags] consul://HOST:PORT    register what runs now, and exit",
        f"       {PROGRAM} once -dry [flags]                  show the services to register, and why others are not",
        f"       {PROGRAM} healthy                            check the one in this container, for a HEALTHCHECK",
        "",
    ]
    for flag in FLAGS.values():
        default = f" (default {flag.default})" if flag.kind is not Kind.SWITCH and flag.default else ""
        lines.append(f"  {f'-{flag.name} {flag.kind.value}'.strip():<24}{flag.meaning}{default}")
    lines += [
        "",
        "The agent's address may also be consul-unix:///path/to.sock, or consul-tls://HOST:PORT with CONSUL_CACERT,",
        "CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY. CONSUL_HTTP_TOKEN_FILE names the file with its token, which is",
        "read at the start; without a file it is CONSUL_HTTP_TOKEN.",
        "Docker's address is DOCKER_HOST, by default unix:///tmp/docker.sock.",
    ]
    return "\n".join(lines)


def _known(name: str) -> Flag:
    flag = FLAGS.get(name)
    if flag:
        return flag
    close = difflib.get_close_matches(name, FLAGS, n=1)
    hint = f"did you mean -{close[0]}?" if close else f"{PROGRAM} -help lists the flags"
    raise UsageError(f"unknown flag -{name}; {hint}")


def _checked(flag: Flag, value: str) -> str:
    if flag.kind is Kind.SWITCH and value not in TRUE | FALSE:
        raise UsageError(f"-{flag.name}: got {value!r}; expected -{flag.name} or -{flag.name}=false")
    if flag.kind is Kind.NUMBER and not value.removeprefix("-").isdecimal():
        raise UsageError(f"-{flag.name}: got {value!r}; expected an integer")
    return value
