"""Read maintenance pages: Consul's key rollcall/front/maintenance/HOST/PATH holds the sentence that visitors read."""

from collections.abc import Mapping

PREFIX = "maintenance/"
# Stands for requests to unknown hosts; not a valid host name.
DEFAULT_HOST = "_"
# Characters. nginx limits one word of its configuration to 4 KB.
MAX_LENGTH = 300

Place = tuple[str, str]


def sentences(keys: Mapping[str, str], server_name: str) -> dict[Place, str]:
    """Return the sentence for each host and path; "" is the host of the default site, "/" the whole site."""
    found = {}
    for key, value in sorted(keys.items()):
        if key.startswith(PREFIX):
            host, _, path = key.removeprefix(PREFIX).partition("/")
            known = "" if host.lower() in (DEFAULT_HOST, server_name.lower()) else host.lower()
            found[known, "/" + path] = value
    return found


def escaped(sentence: str) -> str:
    """Escape a sentence for both HTML and nginx.

    Of ASCII only letters, digits, spaces and a few marks stay; a dollar, a quote, a brace or a backslash becomes a
    reference such as &#36;, which browsers show as the character.
    """
    words = " ".join(sentence.split())
    cut = words if len(words) <= MAX_LENGTH else f"{words[:MAX_LENGTH]}…"
    return "".join(map(_escaped, cut))


def _escaped(character: str) -> str:
    if not character.isprintable():
        return ""
    harmless = not character.isascii() or character.isalnum() or character in " .,:-"
    return character if harmless else f"&#{ord(character)};"
