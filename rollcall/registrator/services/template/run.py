"""Render a template over a document."""

from collections.abc import Iterable, Mapping

from rollcall.registrator.services.template.errors import TemplateError, within_limit
from rollcall.registrator.services.template.functions import call, kind
from rollcall.registrator.services.template.parse import Block, Call, Field, Literal, Template, Text, Value

# Nested ranges multiply their steps; this many take some ten milliseconds.
STEPS = 10_000


def render(template: Template, document: Mapping[str, object]) -> str:
    """Render a template. Raises TemplateError for a missing field, and for too much output."""
    run = _Run(document)
    run.all(template, document)
    return "".join(run.out).encode(errors="replace").decode()


class _Run:
    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document
        self._steps = 0
        self._length = 0
        self.out: list[str] = []

    def all(self, template: Template, dot: object) -> None:
        for node in template:
            self._step()
            if isinstance(node, Text):
                self._write(node.text)
            elif isinstance(node, Block):
                self._block(node, dot)
            else:
                self._write(_shown(node, self._value(node, dot)))

    def _block(self, block: Block, dot: object) -> None:
        subject = self._value(block.subject, dot)
        if not subject:
            self.all(block.otherwise, dot)
        elif block.word == "range":
            for part in _parts(subject):
                self._step()
                self.all(block.body, part)
        else:
            self.all(block.body, subject if block.word == "with" else dot)

    def _value(self, value: Value, dot: object) -> object:
        self._step()
        if isinstance(value, Literal):
            return value.value
        if isinstance(value, Call):
            return call(value.function, tuple(self._value(argument, dot) for argument in value.arguments))
        return _field(value, self._document if value.from_root else dot)

    def _write(self, text: str) -> None:
        self._length += len(text)
        within_limit(self._length)
        self.out.append(text)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > STEPS:
            raise TemplateError(f"it takes more than {STEPS} steps")


def _field(field: Field, value: object) -> object:
    for name in field.names:
        if not isinstance(value, Mapping):
            raise TemplateError(f"{field} is not there: .{name} is asked of {kind(value)}")
        value = value[name] if name in value else value.get(_spelled(name, value))
    return value


def _spelled(name: str, document: Mapping[str, object]) -> str:
    """Give the key of a field whose name in Go's client is spelled in other capitals: {{.ID}} is Id in the document."""
    alike = (key for key in document if key[:1].isupper() and key.lower() == name.lower())
    return next(alike, name) if name[:1].isupper() else name


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value)]
    raise TemplateError(f"range needs a list or a map, not {kind(value)}")


def _shown(node: Value, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    name = str(node) if isinstance(node, Field) else "this"
    if value is None:
        raise TemplateError(f"{name} is not in the container's inspect data")
    raise TemplateError(f"{name} is {kind(value)}: use range, index or join")
