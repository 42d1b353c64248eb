"""The settings of one host: its data checked against the models, or one sentence about the first mistake."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from rollcall.config import login, pyinfra_data
from rollcall.config.fleet import Locate, RawHost
from rollcall.config.forms import Expected
from rollcall.config.layers import follow
from rollcall.config.settings import Settings
from rollcall.did_you_mean import near_name
from rollcall.errors import RollcallError

# Settings of before, and what they are called now.
RENAMED = {
    "backends": "services, as `rollcall init` writes them",
    "templates": "template_sync.templates",
    "templates_image": "template_sync.image",
    "template_keys": "template_sync.keys",
}


def check(host: RawHost, locate: Locate) -> Settings:
    """Turn a host's data into settings.

    Raises:
        RollcallError: the first thing that is wrong.
    """
    if found := login.problem(host.data):
        key, sentence = found
        raise RollcallError(f"{locate(host.name, (key,))}{key}: {sentence}")
    data = {key: value for key, value in host.data.items() if not pyinfra_data.is_not_ours(key)}
    try:
        return Settings.model_validate(data)
    except ValidationError as problem:
        error = _first(problem.errors(include_url=False))
        raise RollcallError(_sentence(error, host, locate)) from None


def _first(errors: Sequence[ErrorDetails]) -> ErrorDetails:
    """Return the first error; for a missing key the unknown one beside it, which is most likely its misspelling."""
    first = errors[0]
    beside = (one for one in errors if one["type"] == "extra_forbidden" and one["loc"][:-1] == first["loc"][:-1])
    return next(beside, first) if first["type"] == "missing" else first


def _sentence(error: ErrorDetails, host: RawHost, locate: Locate) -> str:
    path = _keys(error, host)
    where = f"{locate(host.name, path)}{dotted(path)}"
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown setting; {_hint(path)}"
    if error["type"] == "missing":
        return f"{where}: missing; expected {expected_at(path)}"
    return f"{where}: got {error['input']!r}; expected {expected_at(path)}"


def _hint(path: Sequence[str | int]) -> str:
    key = str(path[-1])
    if len(path) == 1 and key in RENAMED:
        return f"did you mean {RENAMED[key]}?"
    known = list(_model_at(path[:-1]).model_fields)
    pyinfras = [*pyinfra_data.SSH, *pyinfra_data.GLOBAL_ARGUMENTS] if len(path) == 1 else []
    if close := near_name(key, [*known, *pyinfras]):
        return f"did you mean {close}?"
    if len(path) == 1:
        return f"data of your own needs a name with {pyinfra_data.OWN} before it: {pyinfra_data.OWN}{key.lstrip('_')}"
    return f"expected one of {', '.join(known)}"


def _keys(error: ErrorDetails, host: RawHost) -> tuple[str | int, ...]:
    """Give the path as the user wrote it: of a setting with several types, pydantic appends the type that it tried."""
    path = error["loc"]
    if error["type"] in ("extra_forbidden", "missing") or not isinstance(path[-1], str):
        return path
    return path if follow(host.data, path)[0] == len(path) else path[:-1]


def dotted(path: Sequence[str | int]) -> str:
    """Write a setting's path as people do: front.routes[0].host."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _model_at(path: Sequence[str | int]) -> type[BaseModel]:
    """Follow a path through the nested models, skipping list positions."""
    model: type[BaseModel] = Settings
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = model_in(model.model_fields[part].annotation) or model
    return model


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the section that a field holds, alone, in a list or beside None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := model_in(argument):
            return found
    return None


def expected_at(path: Sequence[str | int]) -> Expected:
    """Say what the setting at a path must look like; of something inside a list, what the list must."""
    for end in range(len(path), 0, -1):
        field = _model_at(path[: end - 1]).model_fields.get(str(path[end - 1]))
        if field is not None:
            return expected(field)
    return Expected("another value")


def expected(field: FieldInfo) -> Expected:
    """Say what a field's value must look like: the field's own words, else those of its type."""
    own = [one for one in field.metadata if isinstance(one, Expected)]
    # The last annotation is the one nearest to the field.
    return own[-1] if own else next(_in_type(field.annotation), Expected("another value"))


def _in_type(annotation: Any) -> Iterator[Expected]:
    for one in get_args(annotation):
        if isinstance(one, Expected):
            yield one
        else:
            yield from _in_type(one)
