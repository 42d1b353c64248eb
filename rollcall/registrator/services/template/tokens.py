"""Split a template into tokens."""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import Enum

from rollcall.registrator.services.template.errors import TemplateError, within_limit


class Kind(Enum):
    """The kinds of tokens."""

    # Outside of {{ }}.
    TEXT = "text"
    # The two ends of an action.
    OPEN = "{{"
    CLOSE = "}}"
    # A path from the current value (.Config.Image) or the document ($.Name), or a lone dot.
    FIELD = "field"
    NAME = "name"
    LITERAL = "literal"
    SIGN = "sign"


@dataclass(frozen=True)
class Token:
    """One token; `value` is a literal's string without quotes, or its number."""

    kind: Kind
    text: str
    value: str | int = ""


# {{- and -}} trim the white space beside them; a comment fills its action.
SPACE = " \t\r\n"
OPEN = re.compile(r"\{\{(-(?=[ \t\r\n]))?")
CLOSE = re.compile(r"[ \t\r\n]*((?<=[ \t\r\n])-)?\}\}")
COMMENT = re.compile(r"[ \t\r\n]*/\*")
TOKEN = re.compile(
    r"""\s*(?:
        (?P<field>\$?(?:\.[^\W\d]\w*)+|\$|\.(?!\w))(?![\w$])
      | (?P<number>[+-]?\d+)(?![\w.])
      | (?P<name>[^\W\d]\w*)
      | (?P<quoted>"(?:\\.|[^"\\\n])*")
      | (?P<raw>`[^`]*`)
      | (?P<sign>[|()])
    )""",
    re.VERBOSE,
)
# Of a number.
DIGITS = 9


def tokens(text: str) -> Iterator[Token]:
    """Split a template. Raises TemplateError at the first invalid part."""
    within_limit(len(text))
    position, trim = 0, False
    while action := OPEN.search(text, position):
        yield from _text(text[position : action.start()], left=trim, right=bool(action[1]))
        if COMMENT.match(text, action.end()):
            position = _end_of_comment(text, action.end())
        else:
            yield Token(Kind.OPEN, "{{")
            position = yield from _inside(text, action.end())
            yield Token(Kind.CLOSE, "}}")
        trim = text[position - 3] == "-"
    yield from _text(text[position:], left=trim, right=False)


def _text(text: str, *, left: bool, right: bool) -> Iterator[Token]:
    text = text.lstrip(SPACE) if left else text
    text = text.rstrip(SPACE) if right else text
    if text:
        yield Token(Kind.TEXT, text)


def _end_of_comment(text: str, start: int) -> int:
    end = text.find("*/", start)
    close = CLOSE.match(text, end + 2) if end >= 0 else None
    if close is None:
        raise TemplateError("a comment does not end with */}}")
    return close.end()


def _inside(text: str, start: int) -> Generator[Token, None, int]:
    """Yield the tokens of one action, and return its end."""
    position = start
    while not (close := CLOSE.match(text, position)):
        match = TOKEN.match(text, position)
        if match is None:
            rest = text[position : position + 20].strip()
            raise TemplateError(f"{rest!r} is not supported" if rest else "a {{ has no }} after it")
        yield _token(match)
        position = match.end()
    return close.end()


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup, match[match.lastgroup or 0]
    if kind == "field":
        return Token(Kind.FIELD, text)
    if kind == "name":
        return Token(Kind.NAME, text)
    if kind == "sign":
        return Token(Kind.SIGN, text)
    if kind == "number":
        if not text.isascii() or len(text) > DIGITS:
            raise TemplateError(f"the number {text[:20]} is too large")
        return Token(Kind.LITERAL, text, int(text))
    return Token(Kind.LITERAL, text, _unquoted(text))


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    try:
        # JSON's escapes are a subset of Go's.
        return str(json.loads(text))
    except ValueError:
        raise TemplateError(f"{text[:40]} holds an escape that is not supported: write it between ` and `") from None
