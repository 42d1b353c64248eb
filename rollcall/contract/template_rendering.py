"""Read what consul-template rendered, and decide whether it may replace the current file."""

import math
import re
from dataclasses import dataclass
from ipaddress import ip_address

_MARK = "# rollcall: "
# An agent that lost its state, or hides it from our token, does not even list the servers: ignore such a rendering.
READABLE = f'\n{{{{ if service "consul|any" }}}}{_MARK}readable{{{{ else }}}}{_MARK}unreadable{{{{ end }}}}\n'
# IPv4, or IPv6 in brackets, with or without a port; `_is_address` rejects false matches.
_ADDRESS = re.compile(r"(?<![\w.])(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9A-Fa-f:.]+)\])(?::\d{1,5})?(?![\w.]*\w)")


@dataclass(frozen=True)
class Rendering:
    """A file's whole text, and whether its catalog was readable."""

    text: str
    readable: bool


def source(text: str) -> str:
    """Return the template that consul-template renders: the user's, and a mark of whether the catalog is readable."""
    return text + READABLE


def read(rendered: str) -> Rendering:
    """Split what consul-template rendered from a `source`."""
    text, _, state = rendered.rpartition(_MARK)
    # A template that ends by trimming white space has removed our newline, too.
    return Rendering(text.removesuffix("\n"), state.strip() == "readable")


def addresses(text: str) -> frozenset[str]:
    """Return the addresses in a text, each with its port if it has one."""
    return frozenset(match[0] for match in _ADDRESS.finditer(text) if _is_address(match[1] or match[2]))


def instances(text: str, template: str) -> frozenset[str]:
    """Return the addresses from the catalog: those that are not in the template itself."""
    return addresses(text) - addresses(template)


def objection(rendering: Rendering, former: str, template: str, keep: float) -> str:
    """Return why a rendering must not replace the current file, whatever its check returns; otherwise "".

    Args:
        rendering: the new file.
        former: the text of the current file.
        template: the user's template.
        keep: the fraction of the file's addresses that must stay, from 0 to 1.
    """
    if not rendering.readable:
        return "Consul lists no services, not even itself; check that the templates' token may read services"
    before, now = len(instances(former, template)), len(instances(rendering.text, template))
    least = math.ceil(keep * before)
    if now < least:
        return f"it would lose {before - now} of {before} addresses at once; with keep {keep:g} at least {least} stay"
    return ""


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
