"""What consul-template made of a template, and whether that may take the place of the file there is."""

import math
import re
from dataclasses import dataclass
from ipaddress import ip_address

_MARK = "# rollcall: "
# An agent that lost its state, or hides it from our token, shows not even the servers. Such a rendering says nothing.
READABLE = f'\n{{{{ if service "consul|any" }}}}{_MARK}readable{{{{ else }}}}{_MARK}unreadable{{{{ end }}}}\n'
# IPv4, or IPv6 in brackets, with or without a port; what only looks like one is sorted out afterwards.
_ADDRESS = re.compile(r"(?<![\w.])(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([0-9A-Fa-f:.]+)\])(?::\d{1,5})?(?![\w.]*\w)")


@dataclass(frozen=True)
class Rendering:
    """A file's whole text, and whether the catalog that it was made of could be read."""

    text: str
    readable: bool


def source(text: str) -> str:
    """Give what consul-template is to render for a template of the user's: that, and whether it saw the catalog."""
    return text + READABLE


def read(rendered: str) -> Rendering:
    """Take apart what consul-template rendered of a `source`."""
    text, _, state = rendered.rpartition(_MARK)
    # A template that ends by trimming white space has taken our newline, too.
    return Rendering(text.removesuffix("\n"), state.strip() == "readable")


def addresses(text: str) -> frozenset[str]:
    """Find the addresses in a text, each with its port if it has one."""
    return frozenset(match[0] for match in _ADDRESS.finditer(text) if _is_address(match[1] or match[2]))


def instances(text: str, template: str) -> frozenset[str]:
    """Find the addresses that came from the catalog: those that do not stand in the template itself."""
    return addresses(text) - addresses(template)


def objection(rendering: Rendering, former: str, template: str, keep: float) -> str:
    """Say why a rendering must not replace the file of before, whatever its check says; nothing if it may.

    Args:
        rendering: what would be put in place.
        former: the text of the file there is.
        template: the user's template.
        keep: the fraction of the file's addresses that must stay, from 0 to 1.
    """
    if not rendering.readable:
        return "Consul shows nothing of its catalog, not even itself; may the token of the templates read services?"
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
