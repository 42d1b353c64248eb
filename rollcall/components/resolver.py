"""Read how a host resolves names: which program manages /etc/resolv.conf, and which servers it had before.

Pure. `dns` uses it; docs/dns.md explains it to users.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

RESOLV_CONF = "/etc/resolv.conf"
RESOLVED_UPSTREAM = "/run/systemd/resolve/resolv.conf"
# Sorts last in its folder: a server from a later drop-in would get queries for Consul's names, too.
RESOLVED_DROP_IN = "/etc/systemd/resolved.conf.d/zz-rollcall.conf"
EARLIER_DROP_IN = "/etc/systemd/resolved.conf.d/rollcall.conf"
TEXTS = (RESOLV_CONF, RESOLVED_UPSTREAM)
# Processes are what costs: systemd is asked only about units that it may know.
PROBE = """\
has_unit() {
  for folder in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system \\
    /lib/systemd/system; do
    [ -e "$folder/$1.service" ] && return
  done
  return 1
}
echo "link $(readlink -f /etc/resolv.conf)"
if [ -d /run/systemd/system ]; then
  echo "active systemd"
  { has_unit systemd-resolved || has_unit NetworkManager; } &&
    systemctl list-units --plain --no-legend --state=active systemd-resolved.service NetworkManager.service |
      sed 's/^\\([^ ]*\\)\\.service .*/active \\1/'
fi
for program in ip dhclient dhcpcd; do command -v $program >/dev/null && echo "program $program"; done
{ command -v udhcpc || command -v busybox; } >/dev/null && pidof udhcpc >/dev/null && echo "active udhcpc"
[ -d /etc/resolvconf/resolv.conf.d ] && echo "program resolvconf"
[ -e /etc/resolvconf.conf ] && echo "program openresolv"
has_unit systemd-resolved && systemd-analyze cat-config systemd/resolved.conf | sed "s/^/resolved /"
"""
"""A shell script whose output `read` parses, together with the texts of TEXTS."""

_STUBS = ("127.0.0.53", "127.0.0.54")
_OWN_FOLDER = "/run/systemd/resolve/"
_DNS_PORT = "53"
# Programs that manage resolv.conf name themselves at its top: these a deploy can configure, others it cannot.
_HELD = ("networkmanager", "resolvconf", "dhcpcd", "dhclient")
_WRITER = re.compile(
    r"^[#;].*\b(?:auto-?)?(?:generated|written|managed|created)\s+by\s+(?P<name>.+?)\s*(?:[.!](?:\s.*)?)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Resolver:
    """How a host resolves names now.

    `resolv_conf` and `resolved_upstream` are the texts of TEXTS; `link` is the target of /etc/resolv.conf; `active` are
    running units; `programs` are those of PROBE that exist; `resolved_conf` is all of systemd-resolved's configuration,
    with the path of each file in a comment above it.
    """

    resolv_conf: str
    resolved_upstream: str = ""
    link: str = ""
    active: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    resolved_conf: str = ""

    @property
    def is_resolved(self) -> bool:
        """Whether systemd-resolved runs, even if /etc/resolv.conf does not use it."""
        return "systemd-resolved" in self.active or self.follows_resolved

    @property
    def follows_resolved(self) -> bool:
        """Whether /etc/resolv.conf is systemd-resolved's own file or names its stub."""
        return self.link.startswith(_OWN_FOLDER) or any(stub in _nameservers(self.resolv_conf) for stub in _STUBS)

    @property
    def validates(self) -> bool:
        """Whether systemd-resolved requires DNSSEC signatures, which Consul's names lack."""
        return self._setting("DNSSEC").lower() in ("yes", "true", "on", "1", "allow-downgrade")

    @property
    def wants_tls(self) -> bool:
        """Whether systemd-resolved requires TLS of every server."""
        return self.is_resolved and self._setting("DNSOverTLS").lower() in ("yes", "true", "on", "1")

    @property
    def unknown_writer(self) -> str:
        """The program that wrote /etc/resolv.conf, if a deploy cannot configure that program; otherwise ""."""
        if self.follows_resolved:
            return ""
        found = (_WRITER.match(line) for line in self.resolv_conf.splitlines())
        names = [match["name"] for match in found if match]
        # Busybox's DHCP client writes no comment; with resolvconf there, it leaves the file to that.
        names += {"udhcpc"} & self.active if not {"resolvconf", "openresolv"} & self.programs else ()
        return next((name for name in names if not any(held in name.lower() for held in _HELD)), "")

    def servers(self, own: str) -> tuple[str, ...]:
        """Return the servers that the host had before, without the forwarder `own`; with a port as ADDRESS#PORT.

        Our drop-in resets systemd-resolved's global servers, so they are read from its configuration.
        """
        found = [] if self.follows_resolved else _nameservers(self.resolv_conf)
        if self.is_resolved:
            found += [*self._configured("DNS"), *_nameservers(self.resolved_upstream)]
        kept = [server for server in found if server not in (own, *_STUBS)]
        if not kept and self.is_resolved:
            kept = self._configured("FallbackDNS")
        return tuple(dict.fromkeys(kept))

    def _configured(self, key: str) -> list[str]:
        servers: list[str] = []
        for value in self._values(key):
            servers = [*servers, *value.split()] if value else []
        return [found for server in servers if (found := _server(server))]

    def _setting(self, key: str) -> str:
        return next(iter(reversed(self._values(key))), "")

    def _values(self, key: str) -> list[str]:
        """Return every value of a key of [Resolve] in order, without those of our own drop-ins."""
        ours, section, values = False, "", []
        for line in self.resolved_conf.splitlines():
            if line.startswith("# /"):
                ours, section = line[2:].strip() in (RESOLVED_DROP_IN, EARLIER_DROP_IN), ""
            elif line.startswith("["):
                section = line.strip()
            name, equals, value = line.partition("=")
            if equals and not ours and section == "[Resolve]" and name.strip() == key:
                values.append(value.strip())
        return values


def read(texts: Mapping[str, str], probed: str) -> Resolver:
    """Parse what was read from a host: the texts of TEXTS and the output of PROBE."""
    lines = [line.partition(" ") for line in probed.splitlines()]

    def of(kind: str) -> list[str]:
        return [rest for name, _, rest in lines if name == kind]

    return Resolver(
        texts.get(RESOLV_CONF, ""),
        texts.get(RESOLVED_UPSTREAM, ""),
        link="".join(of("link")),
        active=frozenset(of("active")),
        programs=frozenset(of("program")),
        resolved_conf="\n".join(of("resolved")),
    )


def _nameservers(text: str) -> list[str]:
    split = (line.split() for line in text.splitlines())
    return [words[1] for words in split if len(words) > 1 and words[0] == "nameserver"]


def _server(configured: str) -> str:
    """Parse 192.0.2.1, 192.0.2.1:5353, 2001:db8::1 or [2001:db8::1]:5353, each optionally with %interface and #name."""
    address, _, _ = configured.partition("#")
    address, _, interface = address.partition("%")
    bracketed = re.fullmatch(r"\[(?P<address>.+)\](?::(?P<port>\d+))?", address)
    if bracketed:
        address, port = bracketed["address"], bracketed["port"] or _DNS_PORT
    elif address.count(":") == 1:
        address, _, port = address.partition(":")
    else:
        port = _DNS_PORT
    if not _is_address(address):
        return ""
    if interface and ip_address(address).is_link_local:
        address = f"{address}%{interface}"
    return address if port == _DNS_PORT else f"{address}#{port}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def plain(servers: Iterable[str]) -> str:
    """Return a resolv.conf of the servers without a port."""
    return "".join(f"nameserver {server}\n" for server in servers if "#" not in server)
