"""The command line: Go-style flags, so that what worked with the original registrator works unchanged."""

import difflib
from dataclasses import dataclass
from enum import Enum

PROGRAM = "registrator"
# The word that comes before the flags for one look instead of many.
ONCE = "once"
TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class UsageError(Exception):
    """The command line cannot be followed. Its text is one sentence."""


class Kind(Enum):
    """What a flag takes; the value is how the help names it."""

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
        Flag("tags", Kind.TEXT, "", "tags for every service, after its own; commas between them, or a {{template}}"),
        Flag("useIpFromLabel", Kind.TEXT, "", "take the address from this label of the container"),
        Flag("ip-from-container", Kind.SWITCH, "false", "the container's own address, with the published port"),
        Flag("resync", Kind.NUMBER, "0", "seconds between full comparisons with Docker; 0: only when it comes back"),
        Flag("cleanup", Kind.SWITCH, "false", "deregister services of this host whose container is gone"),
        Flag("deregister", Kind.TEXT, "always", "which exited containers lose their services: always, or on-success"),
        Flag("deregister-on-exit", Kind.SWITCH, "false", "at SIGTERM, deregister what this registrator registered"),
        Flag("script-checks", Kind.SWITCH, "true", "false: this agent runs no scripts; register without such checks"),
        Flag("ttl", Kind.NUMBER, "0", "accepted for compatibility; without effect on Consul"),
        Flag("ttl-refresh", Kind.NUMBER, "0", "accepted for compatibility; without effect on Consul"),
        Flag(
            "retry-attempts",
            Kind.NUMBER,
            "0",
            "give up when Consul cannot be reached at start after so many more attempts; 0 or -1: never",
        ),
        Flag("retry-interval", Kind.NUMBER, "2000", "milliseconds between those attempts at most"),
        Flag("status", Kind.TEXT, "127.0.0.1:8510", "answer /healthz and /metrics at this ADDRESS:PORT; off: nowhere"),
        Flag("log-format", Kind.TEXT, "text", "text or json"),
        Flag("dry", Kind.SWITCH, "false", "with once: show what would be registered, and why the rest is ignored"),
        Flag("help", Kind.SWITCH, "false", "print this"),
        Flag("version", Kind.SWITCH, "false", "print the version"),
    )
}


@dataclass(frozen=True)
class CommandLine:
    """Every flag's value, given or default, as checked text, and what came after the flags."""

    values: dict[str, str]
    arguments: list[str]
    # Whether the word `once` came first.
    once: bool = False

    def text(self, name: str) -> str:
        """The value of a flag that takes text."""
        return self.values[name]

    def switch(self, name: str) -> bool:
        """The value of a flag that is on or off."""
        return self.values[name] in TRUE

    def number(self, name: str) -> int:
        """The value of a flag that takes a whole number."""
        return int(self.values[name])


def parse(arguments: list[str]) -> CommandLine:
    """Read a command line as Go's flag package does. Raises UsageError for an unknown flag or a wrong value."""
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
                raise UsageError(f"the flag -{name} needs a value: -{name}={flag.kind.value}")
            value = rest.pop(0)
        values[flag.name] = _checked(flag, value)
    return CommandLine(values, rest, once)


def usage() -> str:
    """The help text: every flag with what it takes, its default and its meaning."""
    lines = [
        f"Usage: {PROGRAM} [flags] consul://HOST:PORT",
        f"       {PROGRAM} once [flags] consul://HOST:PORT    register what runs now, and end",
        f"       {PROGRAM} once -dry [flags]                  show what would be registered, and why the rest is not",
        f"       {PROGRAM} healthy                            ask the one in this container, for a HEALTHCHECK",
        "",
    ]
    for flag in FLAGS.values():
        default = f" (default {flag.default})" if flag.kind is not Kind.SWITCH and flag.default else ""
        lines.append(f"  {f'-{flag.name} {flag.kind.value}'.strip():<24}{flag.meaning}{default}")
    lines += [
        "",
        "The agent's address may also be consul-unix:///path/to.sock, or consul-tls://HOST:PORT with CONSUL_CACERT,",
        "CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY. Its token is read at the start from the file that",
        "CONSUL_HTTP_TOKEN_FILE names; without that it is CONSUL_HTTP_TOKEN.",
        "Docker is reached at DOCKER_HOST, or at unix:///tmp/docker.sock.",
    ]
    return "\n".join(lines)


def _known(name: str) -> Flag:
    flag = FLAGS.get(name)
    if flag:
        return flag
    close = difflib.get_close_matches(name, FLAGS, n=1)
    advice = f"did you mean -{close[0]}?" if close else f"{PROGRAM} -help lists the flags"
    raise UsageError(f"there is no flag -{name}: {advice}")


def _checked(flag: Flag, value: str) -> str:
    if flag.kind is Kind.SWITCH and value not in TRUE | FALSE:
        raise UsageError(f"the flag -{flag.name} is on or off, not {value!r}: write -{flag.name} or -{flag.name}=false")
    if flag.kind is Kind.NUMBER and not value.removeprefix("-").isdecimal():
        raise UsageError(f"the flag -{flag.name} needs a whole number, not {value!r}")
    return value
