"""Parse a template into a tree."""

from dataclasses import dataclass

from rollcall.registrator.services.template.errors import TemplateError
from rollcall.registrator.services.template.functions import FUNCTIONS
from rollcall.registrator.services.template.tokens import Kind, Token, tokens

# Of nested blocks and parentheses, well below Python's recursion limit.
DEPTH = 40
# In one template: each nests a call.
PIPES = 100
BLOCKS = ("if", "range", "with")
# Unsupported words of Go's templates.
ABSENT = ("block", "break", "continue", "define", "template")


@dataclass(frozen=True)
class Text:
    """Text outside of actions."""

    text: str


@dataclass(frozen=True)
class Literal:
    """A string or a number."""

    value: str | int


@dataclass(frozen=True)
class Field:
    """A path of names from the current value or the document; without names, that value itself."""

    names: tuple[str, ...]
    from_root: bool

    def __str__(self) -> str:
        """Return it as in the template."""
        return f"{'$' if self.from_root else ''}.{'.'.join(self.names)}"


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Value", ...]


Value = Literal | Field | Call


@dataclass(frozen=True)
class Block:
    """An if, range or with: its subject, its body, and the part after its else."""

    word: str
    subject: Value
    body: "Template"
    otherwise: "Template"


Template = tuple[Text | Value | Block, ...]


def parse(text: str) -> Template:
    """Parse a template. Raises TemplateError, also for unsupported parts of Go's templates."""
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._pipes = 0

    def whole(self) -> Template:
        template, end = self._nodes()
        if end:
            raise TemplateError(f"{{{{{end}}}}} has no if, range or with")
        return template

    def _nodes(self) -> tuple[Template, str]:
        """Parse up to an end or else, which is returned but not consumed, or up to the template's end."""
        nodes: list[Text | Value | Block] = []
        while token := self._peek():
            if token.kind is Kind.TEXT:
                nodes.append(Text(self._next().text))
                continue
            word = self._peek(1)
            if word and word.kind is Kind.NAME and word.text in ("end", "else"):
                return tuple(nodes), word.text
            self._next()
            nodes.append(self._action())
        return tuple(nodes), ""

    def _action(self) -> Value | Block:
        word = self._peek()
        if word and word.kind is Kind.NAME and word.text in BLOCKS:
            return self._block(self._next().text)
        value = self._pipeline()
        self._expect("}}")
        return value

    def _block(self, word: str) -> Block:
        self._deeper()
        subject = self._pipeline()
        self._expect("}}")
        body, end = self._nodes()
        otherwise: Template = ()
        if end == "else":
            self._expect("{{", "else")
            following = self._peek()
            if following and following.kind is Kind.NAME and following.text in BLOCKS:
                # `else if` is an if inside the else with the same end.
                otherwise = (self._block(self._next().text),)
                self._depth -= 1
                return Block(word, subject, body, otherwise)
            self._expect("}}")
            otherwise, end = self._nodes()
        if end != "end":
            raise TemplateError(f"{{{{{word}}}}} has no {{{{end}}}}")
        self._expect("{{", "end", "}}")
        self._depth -= 1
        return Block(word, subject, body, otherwise)

    def _pipeline(self) -> Value:
        value = self._command(())
        while self._is("|"):
            self._next()
            self._pipes += 1
            if self._pipes > PIPES:
                raise TemplateError(f"it has more than {PIPES} pipes")
            value = self._command((value,))
        return value

    def _command(self, piped: tuple[Value, ...]) -> Value:
        token = self._peek()
        if token is None or token.kind is not Kind.NAME:
            value = self._operand()
            if piped or self._starts_operand():
                raise TemplateError("only a function takes arguments: " + ", ".join(sorted(FUNCTIONS)))
            return value
        name = _function(self._next().text)
        arguments: list[Value] = []
        while self._starts_operand():
            arguments.append(self._operand())
        return Call(name, (*arguments, *piped))

    def _starts_operand(self) -> bool:
        token = self._peek()
        return token is not None and (token.kind in (Kind.FIELD, Kind.LITERAL, Kind.NAME) or token.text == "(")

    def _operand(self) -> Value:
        token = self._next()
        if token.kind is Kind.LITERAL:
            return Literal(token.value)
        if token.kind is Kind.FIELD:
            names = tuple(name for name in token.text.removeprefix("$").split(".") if name)
            return Field(names, token.text.startswith("$"))
        if token.kind is Kind.NAME:
            return Call(_function(token.text), ())
        if token.kind is Kind.SIGN and token.text == "(":
            self._deeper()
            value = self._pipeline()
            self._expect(")")
            self._depth -= 1
            return value
        raise TemplateError(f"a value is missing before {token.text}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise TemplateError(f"it is nested more than {DEPTH} deep")

    def _peek(self, ahead: int = 0) -> Token | None:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else None

    def _next(self) -> Token:
        token = self._peek()
        if token is None:
            raise TemplateError("it ends inside an action")
        self._at += 1
        return token

    def _is(self, text: str) -> bool:
        token = self._peek()
        return token is not None and token.kind is not Kind.LITERAL and token.text == text

    def _expect(self, *texts: str) -> None:
        for text in texts:
            if not self._is(text):
                found = self._peek()
                raise TemplateError(f"{text} is missing before {found.text if found else 'its end'}")
            self._next()


def _function(name: str) -> str:
    if name in ABSENT:
        raise TemplateError(f"{{{{{name}}}}} is not supported")
    if name not in FUNCTIONS:
        raise TemplateError(f"there is no function {name}: there are {', '.join(sorted(FUNCTIONS))}")
    return name
