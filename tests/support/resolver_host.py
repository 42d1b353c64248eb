"""A host in a container with systemd and a network of its own, where a DHCP server names a name server."""

import time
from dataclasses import dataclass

from fresh_hosts import engine

from rollcall.components import resolver_files
from rollcall.components.resolver import PROBE, TEXTS, Resolver, read
from rollcall.converge import docker_commands, host_state
from rollcall.converge.changes import Change
from rollcall.converge.docker_query import Wanted
from rollcall.converge.host_state import HostState
from rollcall.converge.notifications import notifications
from rollcall.converge.plan import plan
from rollcall.converge.resources import AbsentFile, Directory, File, LeadingLine, Resource

BRIDGE = "172.17.0.1"
LEASED = "192.0.2.53"
EARLIER = "192.0.2.99"
NETWORK = f"""
echo 'nameserver {EARLIER}' >/etc/resolv.conf
ip netns add lan && ip link add lan0 type veth peer name lan1 netns lan
ip -n lan address add 192.0.2.1/24 dev lan1 && ip -n lan link set lan1 up && ip link set lan0 up
ip netns exec lan dnsmasq --port=0 --interface=lan1 --dhcp-range=192.0.2.10,192.0.2.20 --user=root \
  --dhcp-option=option:dns-server,{LEASED} --dhcp-leasefile=/run/leases --pid-file=/run/lan.pid
"""


@dataclass
class ResolverHost:
    """Read, planned and changed by a deploy's own rules; only the way there is Docker's instead of SSH."""

    container: str
    domain: str = "consul"

    def run(self, line: str) -> str:
        # Docker's SDK may lose the first bytes of what a command prints at once.
        return engine("exec", self.container, "sh", "-c", line) + "\n"

    def boots(self) -> bool:
        """Whether systemd has started what it starts."""
        return self.run("systemctl is-system-running 2>&1; true").strip() in ("running", "degraded")

    def install(self, packages: str) -> None:
        """Install packages that the image has fetched."""
        options = "--no-download --quiet --yes --no-install-recommends"
        self.run(f"DEBIAN_FRONTEND=noninteractive apt-get install {options} {packages}")

    def servers(self) -> list[str]:
        lines = self.run("cat /etc/resolv.conf").splitlines()
        return [line.split()[1] for line in lines if line.startswith("nameserver")]

    def state(self) -> HostState:
        texts = (*TEXTS, *resolver_files.TEXTS)
        script = host_state.script(Wanted(), resolver_files.PATHS, texts, {"resolver": PROBE})
        return host_state.parse(self.run(script), ())

    def resolver(self) -> Resolver:
        state = self.state()
        return read(state.texts, state.probes["resolver"])

    def pending(self, *, wanted: bool = True) -> tuple[Change, ...]:
        """List what a deploy, or a removal, would change now."""
        state = self.state()
        return plan(self._resources(state, wanted), state)

    def converge(self, *, wanted: bool = True) -> None:
        """Change it."""
        state = self.state()
        changes = plan(self._resources(state, wanted), state)
        put = [change.resource for change in changes if isinstance(change.resource, File | Directory)]
        if put:
            engine("cp", "-", f"{self.container}:/", stdin=docker_commands.archive(put, time.time()))
        for change in changes:
            match change.resource:
                case LeadingLine() as resource:
                    self.run(docker_commands.leading_line(resource))
                case AbsentFile() as resource:
                    self.run(docker_commands.remove_file(resource))
        for command, marker in notifications(changes).items():
            self.run(docker_commands.notify(command, marker))

    def _resources(self, state: HostState, wanted: bool) -> tuple[Resource, ...]:
        resolver = read(state.texts, state.probes["resolver"])
        if not wanted:
            return resolver_files.withdrawn(BRIDGE, resolver)
        return resolver_files.announced(BRIDGE, self.domain, resolver)
