"""Check that Rollcall's containers listen exactly where the table of docs/security.md lists them."""

from collections.abc import Callable

from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster
from rollcall.verify.listeners import Listener
from rollcall.verify.open_ports import differences, opened

# A container that has just started has not opened all of its ports.
TIMEOUT_SECONDS = 10


def test_open_ports(cluster: Cluster, passed: Callable[[str], None]) -> None:
    """Rollcall opens exactly the ports of its table"""
    others: dict[str, set[Listener]] = {}
    count = 0

    def problems() -> list[str]:
        nonlocal count
        found = []
        count = 0
        for host, listeners in cluster.listeners().items():
            ours = {listener for listener in listeners if listener.container}
            others[host] = {listener for listener in listeners - ours if not listener.address.startswith("127.")}
            count += len(ours)
            member, state = cluster.fleet.member(host), cluster.states[host]
            wanted = opened(cluster.fleet, member, cluster.components)
            wrong = differences(member, wanted, state.bridge, state.bridges, ours)
            found += [f"{host}: {text}" for text in wrong]
        return found

    left = wait_until_none(problems, TIMEOUT_SECONDS, cluster.begun)
    if left:
        host = left[0].split(":")[0]
        raise CheckError("the table of open ports in docs/security.md", left, cluster.command_line(host, "ss -lntup"))
    more = sorted({f"{listener.port}/{listener.protocol}" for listeners in others.values() for listener in listeners})
    passed(
        f"Rollcall listens at {count} ports, all in the table of docs/security.md"
        + (f"; other programs listen at {', '.join(more)}" if more else "")
    )
