"""What a stopped Docker Engine leaves in the kernel, and how to take it away: its bridge and its iptables chains."""

import shutil

from rollcall import command

_CHAINS = (
    *("DOCKER", "DOCKER-USER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2"),
    *("DOCKER-FORWARD", "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-INTERNAL"),  # Docker 28 and later
)
_BRIDGE = "docker0"


def forward_policy() -> str:
    """The policy for forwarded packets before an engine starts, which sets it to DROP; empty if unknown."""
    if shutil.which("iptables") is None:
        return ""
    _, output, _ = command.attempt(["iptables", "-S", "FORWARD"])
    words = output.split()
    return words[2] if words[:2] == ["-P", "FORWARD"] else ""


def clear(policy: str) -> None:
    """Remove the bridge and the chains of an engine that no longer runs, and set the old policy again."""
    command.attempt(["ip", "link", "delete", _BRIDGE])
    if shutil.which("iptables-save") is None:
        return
    rules = command.run(["iptables-save"], doing="read the firewall's rules")
    command.run(
        ["iptables-restore"],
        stdin=without_docker(rules, policy).encode(),
        doing="take Docker's chains out of the firewall",
    )


def without_docker(rules: str, policy: str) -> str:
    """Take Docker's own chains and rules out of the text of `iptables-save`; everything else stays as it is.

    Where somebody put rules of their own into DOCKER-USER, nothing is taken out.
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
    # The bridge is named where traffic enters or leaves it; Docker's masquerading names its default network.
    return any(word in _CHAINS or word == _BRIDGE for word in words[1:])


def _with_policy(line: str, policy: str) -> str:
    if policy and line.startswith(":FORWARD "):
        _, _, counters = line.split(maxsplit=2)
        return f":FORWARD {policy} {counters}"
    return line
