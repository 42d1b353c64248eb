"""Rollcall's containers listen where the table of docs/security.md says, and nowhere else."""

from collections.abc import Callable

from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster
from rollcall.verify.listeners import Listener
from rollcall.verify.open_ports import differences, opened

# A resolver waits for an answer at a port of its own, for a few seconds at most.
SECONDS = 10


def test_open_ports(cluster: Cluster, says: Callable[[str], None]) -> None:
    """Every port that Rollcall opens is in its table, and the other way round"""
    others: dict[str, set[Listener]] = {}
    count = 0

    def problems() -> list[str]:
        nonlocal count
        found = []
        count = 0
        for host, listeners in cluster.listeners().items():
            ours = {one for one in listeners if one.container}
            others[host] = {one for one in listeners - ours if not one.address.startswith("127.")}
            count += len(ours)
            member, state = cluster.fleet.member(host), cluster.states[host]
            wanted = opened(cluster.fleet, member, cluster.components)
            wrong = differences(member, wanted, state.bridge, state.bridges, ours)
            found += [f"{host}: {text}" for text in wrong]
        return found

    left = wait_until_none(problems, SECONDS)
    if left:
        host = left[0].split(":")[0]
        raise CheckError("the table of open ports in docs/security.md", left, cluster.shown(host, "ss -lntup"))
    more = sorted({f"{one.port}/{one.protocol}" for listeners in others.values() for one in listeners})
    says(
        f"Rollcall listens at {count} ports, all in the table of docs/security.md"
        + (f"; other programs are reached from outside at {', '.join(more)}" if more else "")
    )
