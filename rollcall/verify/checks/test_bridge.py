"""Check the host's ports that containers on Docker's default bridge need, and that a firewall may block."""

from collections.abc import Callable
from functools import partial

from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster
from rollcall.verify.host_probe import HostProbe

# Agents may lag behind, as in the checks of DNS.
CATCH_UP_TIMEOUT_SECONDS = 5
# The command that lets containers in, by firewall; docs/firewalls.md has them for all of Docker's networks.
RULES = {
    "ufw": "ufw allow in on {bridge} to any port 53 && ufw allow in on {bridge} proto tcp to any port 8500",
    # Docker puts its bridges into the zone "docker" if firewalld starts first.
    "firewalld": "systemctl restart docker",
    "nftables": "nft list ruleset",
}
DOCS = "docs/firewalls.md has the rules"


def test_the_default_bridge(cluster: Cluster, passed: Callable[[str], None]) -> None:
    """Containers on Docker's default bridge reach Consul's names and its agent"""

    def problems() -> list[str]:
        wrong[:] = [host for host in cluster.probes if _lacks(cluster, host)]
        return [f"{host}: {_lacks(cluster, host)}" for host in wrong]

    wrong: list[str] = []
    again = partial(cluster.probe_again, CATCH_UP_TIMEOUT_SECONDS, wrong)
    if left := wait_until_none(problems, CATCH_UP_TIMEOUT_SECONDS, cluster.begun, again):
        host = wrong[0]
        rule = RULES.get(cluster.probes[host].firewall, "iptables -S INPUT")
        elsewhere = asks_elsewhere(cluster.probes[host])
        command = "systemctl restart docker" if elsewhere else rule.format(bridge=cluster.states[host].bridge_interface)
        raise CheckError(
            f"ports 53 and 8500 open to Docker's bridges ({DOCS})", left, cluster.command_line(host, command)
        )
    passed("containers on Docker's default bridge reach Consul's names (port 53) and its agent (port 8500)")


def asks_elsewhere(probe: HostProbe) -> bool:
    """Return whether Docker gives its containers name servers without the host's forwarder.

    It chooses between the host's /etc/resolv.conf and that of systemd-resolved once, when it starts.
    """
    return probe.gateway not in probe.nameservers


def _lacks(cluster: Cluster, host: str) -> str:
    probe, dns = cluster.probes[host], cluster.fleet.member(host).settings.dns
    # Consul's own name always resolves; a service may have stopped passing since the names were chosen.
    name = f"consul.service.{cluster.domain}"
    missing = [] if probe.bridge.get(name) or not dns.enabled else [f"no DNS response for {name} (port 53)"]
    missing += [] if probe.reached else [f"no response of the agent at {probe.gateway or 'its gateway'}:8500"]
    if not missing:
        return ""
    if asks_elsewhere(probe) and probe.reached:
        given = ", ".join(probe.nameservers) or "none"
        return (
            f"Docker gives containers on its default bridge the name servers {given} instead of {probe.gateway}: it "
            "reads the host's only when it starts"
        )
    by = f"{probe.firewall} drops the packets" if probe.firewall else "a firewall may drop the packets"
    return f"a container on Docker's default bridge gets {' and '.join(missing)}; {by}"
