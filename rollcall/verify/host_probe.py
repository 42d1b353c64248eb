"""Probe a host in one command: its containers and the responses of its resolvers."""

import base64
import binascii
import ipaddress
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rollcall import sections
from rollcall.contract.timeouts import stretched
from rollcall.converge import docker_query, engine_failure
from rollcall.converge.docker_query import LABEL
from rollcall.registrator.services.expected import Inspected
from rollcall.verify import samples
from rollcall.verify.dns_message import Answer, answer

# nginx serves this file: a generation becomes current only after nginx accepted it.
NGINX_SITES = "docker exec front cat /var/lib/rollcall/front/current/sites.conf"
# The slowest part starts a container, which takes seconds on a busy host.
TIMEOUT_SECONDS = 60
# The exit code of timeout(1).
_TIMED_OUT = 124
NO_BASH = "rollcall verify requires bash, which is not installed; install bash"
# In a container, to test containers' DNS; the registrator ignores it, and it removes itself.
_THROWAWAY = "docker run --rm -i --pull never --network bridge -e SERVICE_IGNORE=true --entrypoint sh"

# By the engine's API, as docker_query does; the docker command is the fallback. A list must succeed (-f), but a
# container may be gone by the time it is inspected: that response has no Config.
_CONTAINERS = r"""
{explain}
{get}
by_api() {{
  local ids
  ids=$(get -f {running} {ours}) || return
  ids=$(printf '%s\n' "$ids" | grep -oE '"Id": *"[0-9a-f]{{64}}"' | cut -d'"' -f4 | sort -u)
  [ -z "$ids" ] || get $(printf 'http://docker/containers/%s/json ' $ids)
}}
by_command() {{
  local all
  all=$(docker ps -q --no-trunc 2>&1) || {{ explain_docker "$all" >&2; exit 91; }}
  all=$({{ echo "$all"; docker ps -aq --no-trunc --filter label={label}; }} | sort -u)
  [ -z "$all" ] || docker inspect --format '{{{{json .}}}}' $all
}}
command -v docker >/dev/null || {{ explain_docker '' >&2; exit 91; }}
section containers
found=$(by_api) || found=$(by_command) || exit
printf '%s\n' "$found"
"""

# ask SERVER PORT NAME sends one DNS query over UDP, since hosts rarely have dig. dd makes it one datagram: bash's
# printf splits at newline bytes. Queries run in parallel, so a resolver that is down costs one timeout in total.
_LOOKUPS = r"""
ask() {{
  local message label length IFS=.
  # Docker's own name server mixes up simultaneous queries with the same number.
  printf -v message '\\x%02x\\x%02x' $((RANDOM % 256)) $((RANDOM % 256))
  message+='\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00'
  for label in $3; do printf -v length '\\x%02x' "${{#label}}"; message+=$length$label; done
  exec 3<>"/dev/udp/$1/$2"
  printf "$message"'\x00\x00\x01\x00\x01' | dd bs=512 count=1 iflag=fullblock >&3 2>/dev/null
  echo "$3 $(timeout {answer:g} dd bs=4096 count=1 <&3 2>/dev/null | base64 -w0)"
}}
lookup='for name in "$@"; do echo "$name" $(timeout {lookup:g} getent hosts "$name") & done; wait'
others=$(grep -hoE 'https?://[A-Za-z0-9.-]+' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  cut -d/ -f3 | sort -u | head -n 2)
# Nobody has it. Not below .invalid or .test, which resolvers answer themselves (RFC 6761, 6.2 and 6.4).
others="$others rollcall-asks.example"
# From a container on the default network, whose packets to this host a firewall may drop. Where no sample container
# runs, this one is also the container whose names are looked up: each start costs the host a third of a second.
bridged='hex=$(awk "\$2 == \"00000000\" {{ print \$3; exit }}" /proc/net/route)
gateway=$(for at in 7-8 5-6 3-4 1-2; do printf "%d." "0x$(echo "$hex" | cut -c $at)"; done)
agent=http://${{gateway%.}}:8500/v1/status/leader
echo "agent ${{gateway%.}} $(curl -s -o /dev/null -m {answer:g} -w "%{{http_code}}" "$agent")" &
echo "nameservers $(awk "\$1 == \"nameserver\" {{ print \$2 }}" /etc/resolv.conf | tr "\\n" " ")"
'$lookup
firewall() {{
  if systemctl is-active --quiet firewalld; then echo firewalld
  elif LC_ALL=C ufw status | grep -q '^Status: active'; then echo ufw
  elif [ -n "$(nft list chains 2>/dev/null | grep 'hook input.*policy drop')" ]; then echo nftables
  fi 2>/dev/null
}}
value() {{ grep -o "\"$1\": *\"[^\"]*" | head -n 1 | cut -d'"' -f4; }}
inside=$(printf '%s\n' "$found" | grep '"Status": *"running"' | grep '"{label}": *"' | grep '"{sample}": *"' | value Id)
image=$(printf '%s\n' "$found" | grep '"Name": *"/consul"' | value Image)
before=$(awk '$1 == "nameserver" {{ print $2; exit }}' \
  "$(ls /etc/rollcall/dns/upstream.conf 2>/dev/null || echo /etc/resolv.conf)")
# All resolvers at once: each that is down costs its timeout.
answers=$(mktemp -d) && trap 'rm -rf "$answers"' EXIT
bash -c "$lookup" sh {names} $others >"$answers/system" &
[ -z "$inside" ] || docker exec -i "$inside" sh -c "$lookup" sh {names} $others >"$answers/inside" 2>&1 </dev/null &
{throwaway} "$image" -c "$bridged" sh {names} $others >"$answers/bridge" 2>&1 </dev/null &
{{ for name in {names}; do ask 127.0.0.1 {dns_port} "$name" & done; wait; }} >"$answers/agent" &
{{ for name in $others; do ask "$before" 53 "$name" & done; wait; }} >"$answers/before" &
wait
for one in system ${{inside:+inside}} bridge agent before; do section $one; cat "$answers/$one"; done
section firewall
# Only what explains a failure.
grep -q '^agent .* 000$' "$answers/bridge" || ! grep -q '^{first} .' "$answers/bridge" && firewall
"""


@dataclass(frozen=True)
class HostProbe:
    """The result of a probe.

    `containers` are all running ones, and all of Rollcall's own. `system`, `inside` and `bridge` have the addresses
    that the resolvers of the host, of a container, and of one on Docker's default bridge return for each name; the last
    two are one container where no sample runs; `agent`
    has the responses of the Consul agent's DNS; `before` those of the host's name server before Rollcall, for names
    outside Consul. `gateway` is the host's address on the default bridge, `reached` whether the agent responds there,
    `nameservers` those that Docker gives containers there; `firewall` is "ufw",
    "firewalld", "nftables", or "" if none of these drops packets, or if all of this arrived.
    """

    containers: tuple[Inspected, ...]
    system: Mapping[str, frozenset[str]]
    inside: Mapping[str, frozenset[str]]
    agent: Mapping[str, Answer | None]
    before: Mapping[str, Answer | None]
    bridge: Mapping[str, frozenset[str]] = field(default_factory=dict)
    gateway: str = ""
    reached: bool = False
    nameservers: tuple[str, ...] = ()
    firewall: str = ""

    def component(self, name: str) -> Inspected | None:
        """Return the running container of one of Rollcall's components, or None."""
        for container in self.managed:
            if container["Config"]["Labels"][LABEL] == name and container["State"]["Status"] == "running":
                return container
        return None

    @property
    def managed(self) -> tuple[Inspected, ...]:
        """Return Rollcall's own containers."""
        return tuple(container for container in self.containers if LABEL in (container["Config"].get("Labels") or {}))


def command(names: Sequence[str], dns_port: int = 8600) -> str:
    """Return the command that reads everything and resolves these names; without names, only the containers."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            raise ValueError(f"invalid DNS name: {name!r}")
    body = (_CONTAINERS + (_LOOKUPS if names else "")).format(
        explain=engine_failure.FUNCTION,
        get=docker_query.GET,
        running=docker_query.RUNNING,
        ours=shlex.quote(docker_query.OURS),
        label=LABEL,
        sample=samples.LABEL,
        names=shlex.join(names),
        first="".join(names[:1]).replace(".", r"\."),
        dns_port=dns_port,
        answer=stretched(4),
        lookup=stretched(8),
        throwaway=_THROWAWAY,
    )
    return (
        f"command -v bash >/dev/null || {{ echo '{NO_BASH}' >&2; exit 90; }}; "
        f"timeout {stretched(TIMEOUT_SECONDS):g} bash -c {shlex.quote(sections.script(body))} || "
        f"{{ code=$?; [ $code != {_TIMED_OUT} ] || echo {shlex.quote(_slow())} >&2; exit $code; }}"
    )


def _slow() -> str:
    return (
        f"it did not look at its containers and names within {stretched(TIMEOUT_SECONDS):g} s; it may be overloaded: "
        "set timeout_factor in group_data/all.py, or wait until it has less to do"
    )


def parse(output: str) -> HostProbe:
    """Parse the command's output; raise ValueError if it is incomplete."""
    found = {title: sections.lines(text) for title, text in sections.read(output, ["containers"]).items()}
    bridge = found.get("bridge", ())
    agents = [line.split() for line in bridge if line.startswith("agent ")]
    _, gateway, code = agents[0] if agents else ("", "", "000")
    nameservers = [line.split()[1:] for line in bridge if line.startswith("nameservers ")]
    bridged = _addresses(line for line in bridge if not line.startswith(("agent ", "nameservers ")))
    documents = map(json.loads, found["containers"])
    return HostProbe(
        containers=tuple(document for document in documents if "Config" in document),
        system=_addresses(found.get("system", ())),
        inside=_addresses(found["inside"]) if "inside" in found else bridged,
        agent=_answers(found.get("agent", ())),
        before=_answers(found.get("before", ())),
        bridge=bridged,
        gateway=gateway,
        reached=code != "000",
        nameservers=tuple(nameservers[0]) if nameservers else (),
        firewall="".join(found.get("firewall", ())),
    )


def _addresses(lines: Iterable[str]) -> dict[str, frozenset[str]]:
    """Parse "NAME ADDRESS NAME ADDRESS NAME …", getent's output with its lines joined."""
    found = {}
    for line in lines:
        name, *words = line.split()
        found[name] = frozenset(word for word in words if _is_address(word))
    return found


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _answers(lines: Iterable[str]) -> dict[str, Answer | None]:
    """Parse "NAME RESPONSE" lines; None for a server that did not respond in time."""
    both = (line.partition(" ") for line in lines)
    return {name: _answer(encoded, name) for name, _, encoded in both}


def _answer(encoded: str, name: str) -> Answer | None:
    try:
        return answer(base64.b64decode(encoded), name) if encoded else None
    except binascii.Error as error:
        raise ValueError(f"the host's response is damaged: {error}") from None
