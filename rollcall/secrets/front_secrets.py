"""The secrets that fronts read: lists of users, and what the program that changes DNS needs."""

from rollcall.config.fleet import Fleet

# Their owner, as `rollcall secret` names it; no service of a user's may have this name.
OWNER = "front"


def declared(fleet: Fleet) -> set[tuple[str, str]]:
    """Return the owner and the name of each secret that a front of the fleet has."""
    fronts = [member.settings.front for member in fleet.fronts]
    users = {name for front in fronts for name in front.users}
    hooks = (front.acme.dns for front in fronts if front.acme)
    return {(OWNER, name) for name in users.union(*(hook.secrets for hook in hooks if hook))}
