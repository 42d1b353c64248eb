"""Define Consul's access control: one policy for each role, and the tokens that carry them."""

from collections.abc import Callable

from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.consul.acl import GLOBAL_MANAGEMENT, AccessControl, Listed, Policy, Token
from rollcall.consul.temporary_token import READER
from rollcall.secrets.store import Secrets
from rollcall.secrets.tokens import Role, Tokens

# Roles that are the same on every host, each with the description that users read.
SHARED: dict[Role, str] = {
    "operator": "a person at the command line or the UI: everything but ACLs",
    "auditor": "deploys: the cluster's health, its ACLs and the lock, read only",
    "front": "consul-template: services, nodes and the keys below rollcall/front/, read only",
    "dns": "DNS responses: services and nodes, read only",
}
# Only if a host has users' own templates.
TEMPLATES: dict[Role, str] = {"templates": "the user's own templates: services, nodes and the keys set, read only"}
EACH_NODE: dict[Role, str] = {
    "agent": "the agent of {node}: its own node",
    "registrator": "the registrator of {node}: services, registered with its own agent",
}

# On some nodes alone: which, and what for.
SOME_NODES: dict[Role, tuple[Callable[[Member], bool], str]] = {
    "acme": (
        lambda member: member.is_front and member.settings.front.acme is not None,
        "the ACME program of {node}: the keys below rollcall/acme/, and its session",
    ),
    "scheduler": (
        lambda member: bool(member.settings.jobs),
        "the scheduler of {node}: the keys of its jobs, and sessions",
    ),
}


def desired(fleet: Fleet, secrets: Secrets) -> AccessControl:
    """Return the desired policies and tokens; during a rotation of tokens, those of both generations."""
    return AccessControl(
        policies=(
            *(_policy(fleet, role, node) for role, node, _ in _roles(fleet)),
            # No token of a deploy has it: `rollcall token` makes some.
            Policy(READER, render("consul/policies/reader.hcl.j2")),
        ),
        tokens=tuple(
            token
            for generation in (secrets.tokens, *secrets.other_tokens)
            for token in _tokens(fleet, generation, current=generation == secrets.tokens)
        ),
        management=secrets.tokens.secret("management"),
        management_accessor=secrets.tokens.accessor("management"),
    )


def hosts_left_out(fleet: Fleet, found: Listed) -> list[str]:
    """Return the nodes that have agent policies but are no longer in the fleet: a deploy removes their rights."""
    prefix = f"{_name('agent', '')}-"
    policies = (str(policy["Name"]) for policy in found.policies)
    nodes = {name.removeprefix(prefix) for name in policies if name.startswith(prefix)}
    return sorted(nodes - {member.node for member in fleet.members})


def policies_of(node: str) -> frozenset[str]:
    """Return the names of the policies that only this node's tokens carry."""
    return frozenset(_name(role, node) for role in EACH_NODE)


def _roles(fleet: Fleet) -> list[tuple[Role, str, str]]:
    everywhere = SHARED | (
        TEMPLATES if any(member.settings.template_sync.templates for member in fleet.members) else {}
    )
    shared = [(role, "", purpose) for role, purpose in everywhere.items()]
    each_node = [
        (role, member.node, purpose.format(node=member.node))
        for role, purpose in EACH_NODE.items()
        for member in fleet.members
    ]
    some_nodes = [
        (role, member.node, purpose.format(node=member.node))
        for role, (has, purpose) in SOME_NODES.items()
        for member in fleet.members
        if has(member)
    ]
    return [*shared, *each_node, *some_nodes]


def _name(role: Role, node: str) -> str:
    return f"rollcall-{role}-{node}" if node else f"rollcall-{role}"


def _policy(fleet: Fleet, role: Role, node: str) -> Policy:
    keys = sorted({prefix for member in fleet.members for prefix in member.settings.template_sync.keys})
    own = [service.name for member in fleet.members if member.node == node for service in member.settings.jobs]
    text = render(f"consul/policies/{role}.hcl.j2", node=node, template_keys=keys, jobs=own)
    return Policy(_name(role, node), text)


def _tokens(fleet: Fleet, generation: Tokens, *, current: bool) -> list[Token]:
    tokens = [
        Token(generation.accessor(role, node), generation.secret(role, node), purpose, (_name(role, node),))
        for role, node, purpose in _roles(fleet)
    ]
    if not current:
        # The servers create the current one (initial_management), or a rotation created it here as the next one.
        management = generation.accessor("management"), generation.secret("management")
        tokens.append(Token(*management, "rollcall itself: everything", (GLOBAL_MANAGEMENT,)))
    return tokens
