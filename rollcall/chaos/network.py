"""Cut a host's network to other hosts, and mend it, by one chain of iptables. No I/O."""

from collections.abc import Collection, Iterable

CHAIN = "ROLLCALL-CHAOS"
_HOOKS = "INPUT OUTPUT FORWARD"


def cut(addresses: Iterable[str], ssh_ports: Collection[int]) -> str:
    """Return the script that drops every packet from and to these addresses.

    What is for a container's published port passes FORWARD. SSH stays: by it the command ends the fault.
    """
    lines = [f"iptables -w -N {CHAIN}"]
    for port in sorted(ssh_ports):
        lines += [f"iptables -w -A {CHAIN} -p tcp --{side}port {port} -j RETURN" for side in ("d", "s")]
    for address in addresses:
        lines += [f"iptables -w -A {CHAIN} -{side} {address} -j DROP" for side in ("s", "d")]
    lines.append(f"for hook in {_HOOKS}; do iptables -w -I $hook 1 -j {CHAIN} || exit 1; done")
    return " &&\n".join(lines)


def mend() -> str:
    """Return the script that takes the chain away again."""
    return (
        f"for hook in {_HOOKS}; do\n"
        f"  while iptables -w -D $hook -j {CHAIN} 2>/dev/null; do :; done\n"
        "done\n"
        f"iptables -w -F {CHAIN} 2>/dev/null; iptables -w -X {CHAIN} 2>/dev/null\n"
        f"! iptables -w -n -L {CHAIN} >/dev/null 2>&1"
    )
