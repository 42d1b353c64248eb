"""Remove what a stopped Docker Engine leaves in the kernel: its bridge and its iptables chains."""

import shutil

from rollcall import command

_CHAINS = (
    *("DOCKER", "DOCKER-USER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2"),
    *("DOCKER-FORWARD", "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-INTERNAL"),  # Docker 28 and later
)
_BRIDGE = "docker0"


def forward_policy() -> str:
    """Return the policy for forwarded packets before an engine starts and sets it to DROP; empty if unknown."""
    if shutil.which("iptables") is None:
        return ""
    _, output, _ = command.attempt(["iptables", "-S", "FORWARD"])
    words = output.split()
    return words[2] if words[:2] == ["-P", "FORWARD"] else ""


def clear(policy: str) -> None:
    """Remove the bridge and the chains of a stopped engine, and restore the old policy."""
    command.attempt(["ip", "link", "delete", _BRIDGE])
    if shutil.which("iptables-save") is None:
        return
    rules = command.run(["iptables-save"], doing="read the firewall's rules")
    command.run(
        ["iptables-restore"],
        stdin=without_docker(rules, policy).encode(),
        doing="remove Docker's chains from the firewall",
    )


def without_docker(rules: str, policy: str) -> str:
    """Remove Docker's own chains and rules from the text of `iptables-save`; everything else stays unchanged.

    If DOCKER-USER contains users' own rules, remove nothing.
    """
    lines = rules.splitlines()
    own = [line for line in lines if line.startswith("-A DOCKER-USER") and line != "-A DOCKER-USER -j RETURN"]
    if own:
        return rules
    kept = [_with_policy(line, policy) for line in lines if not _is_docker(line)]
    return "\n".join(kept) + "\n"


def _is_docker(line: str) -> bool:
    words = line.split()
    if line.startswith(":"):
        return words[0][1:] in _CHAINS
    if not line.startswith("-A"):
        return False
    # Rules name the bridge for traffic that enters or leaves it; masquerading rules name Docker's default network.
    return any(word in _CHAINS or word == _BRIDGE for word in words[1:])


def _with_policy(line: str, policy: str) -> str:
    if policy and line.startswith(":FORWARD "):
        _, _, counters = line.split(maxsplit=2)
        return f":FORWARD {policy} {counters}"
    return line
