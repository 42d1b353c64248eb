"""What containers on Docker's default bridge need of their host, which a firewall of the host may drop."""

from collections.abc import Callable

from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster

# Consul's names are asked again while agents catch up, as in the checks of DNS.
CATCH_UP_SECONDS = 5
# By firewall, the commands that let containers in; docs/firewalls.md has them for all of Docker's networks.
RULES = {
    "ufw": "ufw allow in on {bridge} to any port 53 && ufw allow in on {bridge} proto tcp to any port 8500",
    # Docker puts its bridges into the zone "docker" where firewalld runs before it.
    "firewalld": "systemctl restart docker",
    "nftables": "nft list ruleset",
}
DOCS = "docs/firewalls.md has the rules"


def test_the_default_bridge(cluster: Cluster, says: Callable[[str], None]) -> None:
    """Containers on Docker's default bridge reach Consul's names and its agent"""

    def problems() -> list[str]:
        if wrong:
            cluster.look()
        wrong[:] = [host for host in cluster.surveys if _lacks(cluster, host)]
        return [f"{host}: {_lacks(cluster, host)}" for host in wrong]

    wrong: list[str] = []
    if left := wait_until_none(problems, CATCH_UP_SECONDS):
        host = wrong[0]
        rule = RULES.get(cluster.surveys[host].firewall, "iptables -S INPUT")
        command = rule.format(bridge=cluster.states[host].bridge_interface)
        raise CheckError(f"ports 53 and 8500 open to Docker's bridges ({DOCS})", left, cluster.shown(host, command))
    says("containers on Docker's default bridge reach Consul's names (port 53) and its agent (port 8500)")


def _lacks(cluster: Cluster, host: str) -> str:
    survey, dns = cluster.surveys[host], cluster.fleet.member(host).settings.dns
    # A service that has stopped passing since the names were chosen has no answer to give; Consul itself always has.
    name = f"consul.service.{cluster.domain}"
    missing = [] if survey.bridge.get(name) or not dns.enabled else [f"no answer for {name} (port 53)"]
    missing += [] if survey.reached else [f"no answer of the agent at {survey.gateway or 'its gateway'}:8500"]
    if not missing:
        return ""
    by = f"{survey.firewall} drops it" if survey.firewall else "a firewall may drop it"
    return f"a container on Docker's default bridge gets {' and '.join(missing)}; {by}"
