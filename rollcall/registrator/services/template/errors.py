"""What is wrong with a template, and how large one may be."""

# Of a template's text and of all that it makes, in characters: tags are short, and what a container says must not cost
# the registrator its memory.
LIMIT = 8192


class TemplateError(ValueError):
    """A template that cannot be read or followed. Its text says what, and what would be right."""


def within_limit(length: int) -> None:
    """Raise TemplateError when a text of so many characters is too long."""
    if length > LIMIT:
        raise TemplateError(f"it makes more than {LIMIT} characters")
