"""Import what limits a service's containers, and how many of them there are."""

from typing import Any

from rollcall.compose import reasons
from rollcall.compose.document import Where
from rollcall.compose.draft import Draft
from rollcall.compose.entries import Key, each, handle, single, whole
from rollcall.compose.values import UnmappedError, integer, mebibytes, number, seconds, text
from rollcall.config.service import Service

ALL = "ALL"
_DEFAULT_CAPABILITIES: tuple[str, ...] = Service.model_fields["capabilities"].default

cpus = single(("cpus",), number)
memory = single(("memory",), mebibytes)
count = single(("count",), integer)


def pids(draft: Draft, where: Where, value: Any) -> None:
    """Import `pids_limit`; -1 and 0 are no limit in Compose."""
    limit = integer(whole(value))
    if limit <= 0:
        raise UnmappedError("a service always has a limit of processes, in pids")
    draft.add(where, ("pids",), limit)


def deploy(draft: Draft, where: Where, value: Any) -> None:
    """Import `deploy`."""
    _below(draft, where, value, _DEPLOY, reasons.DEPLOY_KEYS)


def _below(draft: Draft, where: Where, value: Any, keys: dict[str, Key], why: dict[str, str]) -> None:
    if not isinstance(value, dict):
        raise UnmappedError(f"got {value!r}; expected a mapping")
    for key, inner in value.items():
        if key in keys:
            handle(draft, (*where, key), inner, keys[key])
        else:
            draft.notes.add((*where, key), f"not imported: {why.get(key, reasons.UNKNOWN)}")


def _mode(draft: Draft, where: Where, value: Any) -> None:
    if whole(value) not in ("replicated", "global"):
        raise UnmappedError(f"got {value!r}; a service runs as long as it is declared")
    draft.notes.add(where, "count is the number of containers on each host of the group")


def _resources(draft: Draft, where: Where, value: Any) -> None:
    why = {"reservations": "nothing divides the hosts' processors and memory among services"}
    _below(draft, where, value, {"limits": _limits}, why)


def _limits(draft: Draft, where: Where, value: Any) -> None:
    _below(draft, where, value, {"cpus": cpus, "memory": memory, "pids": pids}, {})


def _update(draft: Draft, where: Where, value: Any) -> None:
    keys = {"parallelism": single(("release", "parallel"), integer), "order": single(("release", "order"), text)}
    reason = "a release stops at the first version that does not come up"
    why = dict.fromkeys(("delay", "failure_action", "monitor", "max_failure_ratio"), reason)
    _below(draft, where, value, keys, why)


_DEPLOY: dict[str, Key] = {
    "replicas": count,
    "mode": _mode,
    "resources": _resources,
    "update_config": _update,
    "labels": lambda draft, where, value: draft.notes.add(where, "not imported: labels of a Swarm's service"),
}


def add_capabilities(draft: Draft, where: Where, value: Any) -> None:
    """Import `cap_add`."""
    for place, item in each(draft, where, value):
        present = draft.declaration.get("capabilities", list(_DEFAULT_CAPABILITIES))
        if (name := _capability(item)) not in present:
            draft.replace(place, {**draft.declaration, "capabilities": [*present, name]})


def drop_capabilities(draft: Draft, where: Where, value: Any) -> None:
    """Import `cap_drop`; comes before `cap_add`, since ALL drops the defaults only."""
    for place, item in each(draft, where, value):
        name = _capability(item)
        present = draft.declaration.get("capabilities", list(_DEFAULT_CAPABILITIES))
        left = [] if name == ALL else [one for one in present if one != name]
        draft.replace(place, {**draft.declaration, "capabilities": left})


def _capability(item: Any) -> str:
    return text(item).upper().removeprefix("CAP_")


def ulimit(value: Any) -> str:
    """Return a limit of `ulimits`: a number, or soft and hard ones."""
    if isinstance(value, dict):
        soft, hard = (integer(value.get(key)) for key in ("soft", "hard"))
        return f"{soft}:{hard}"
    return str(integer(value))


def restart(draft: Draft, where: Where, value: Any) -> None:
    """Import `restart`, of which there is one kind."""
    if text(whole(value)) not in ("always", "unless-stopped"):
        raise UnmappedError("a container that exits starts again, always")


def security_options(draft: Draft, where: Where, value: Any) -> None:
    """Import `security_opt`."""
    for place, item in each(draft, where, value):
        if text(item).replace("=", ":") not in ("no-new-privileges", "no-new-privileges:true"):
            draft.notes.add(place, "not imported: containers have the engine's own profiles, and no-new-privileges")


def privileged(draft: Draft, where: Where, value: Any) -> None:
    """Import `privileged`, which only `false` can be."""
    if whole(value) is not False:
        raise UnmappedError("containers are never privileged; capabilities and devices give what a program needs")


def stop_timeout(draft: Draft, where: Where, value: Any) -> None:
    """Import `stop_grace_period`."""
    draft.add(where, ("stop_timeout",), seconds(whole(value)))
