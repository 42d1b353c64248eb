"""Errors of templates, and their size limit."""

# Of a template's text and output, in characters: a container must not exhaust the registrator's memory.
LIMIT = 8192


class TemplateError(ValueError):
    """An invalid template, or one that fails. The text is the reason."""


def within_limit(length: int) -> None:
    """Raise TemplateError if a text of this many characters is too long."""
    if length > LIMIT:
        raise TemplateError(f"it produces more than {LIMIT} characters")
