"""Import the services of a Compose file, one key after the other."""

import re
from collections.abc import Collection
from typing import Any

from rollcall.compose import probes, reasons
from rollcall.compose.document import Document, Where
from rollcall.compose.draft import Declaration, Draft, Notes
from rollcall.compose.entries import handle, without_value
from rollcall.compose.keys import KEYS
from rollcall.compose.variables import missing_in

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def imported(document: Document, reserved: Collection[str] = ()) -> tuple[list[Declaration], list[str]]:
    """Return the declarations of a document's services, and a sentence for each key that has no counterpart.

    Args:
        document: the Compose file.
        reserved: names that no service may have.
    """
    notes = Notes(document)
    declarations: list[Declaration] = []
    for name, service in document.content["services"].items():
        draft = Draft(notes, declarations, reserved)
        _fill(draft, ("services", name), service)
        if draft.declaration:
            declarations.append(draft.declaration)
    for key, value in document.content.items():
        _top_key(notes, key, value)
    return declarations, notes.lines


def _fill(draft: Draft, where: Where, service: dict[str, Any]) -> None:
    name = str(where[-1])
    own = _NOT_IN_NAMES.sub("-", name.lower()).strip("-")
    if not draft.replace(where, {"name": own, "image": _image(draft, where, service, own)}):
        return
    if own != name:
        draft.notes.add(where, f"it is called {own}: a name holds lower-case letters, digits and dashes")
    for key in [*(key for key in KEYS if key in service), *(key for key in service if key not in KEYS)]:
        _key(draft, (*where, key), service[key])
    probes.without_healthcheck(draft, where)


def _image(draft: Draft, where: Where, service: dict[str, Any], own: str) -> Any:
    """Return its image; where the file names none, one to replace."""
    image = service.get("image")
    if missing := missing_in(image):
        draft.notes.add((*where, "image"), f"not imported: {without_value(missing.variable)}; until then it is {own}")
        return own
    if image is None:
        draft.notes.add(where, f"without an image; until its declaration names one in a registry, it is {own}")
        return own
    return image


def _key(draft: Draft, where: Where, value: Any) -> None:
    key = str(where[-1])
    if key == "image" or key.startswith("x-") or value is None:
        return
    if key in KEYS:
        handle(draft, where, value, KEYS[key])
    else:
        draft.notes.add(where, f"not imported: {reasons.SERVICE_KEYS.get(key, reasons.UNKNOWN)}")


def _top_key(notes: Notes, key: str, value: Any) -> None:
    if key in reasons.SILENT_TOP_KEYS or key.startswith("x-") or not value:
        return
    if key not in ("volumes", "secrets", "configs") or not isinstance(value, dict):
        notes.add((key,), f"not imported: {reasons.TOP_KEYS.get(key, reasons.UNKNOWN)}")
        return
    for name, options in value.items():
        if key == "secrets":
            notes.add((key, name), f"not imported: `rollcall secret set` gives {name} its value")
        elif key == "volumes" and options:
            notes.add((key, name), "not imported: a volume has its name and the engine's defaults")
