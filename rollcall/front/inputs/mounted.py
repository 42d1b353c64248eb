"""Read the files that a deploy mounted and the catalog that consul-template rendered, as they are now."""

from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import TemplateError

from rollcall.front import paths
from rollcall.front.inputs.catalog import Catalog, read
from rollcall.front.inputs.settings import Settings
from rollcall.front.inputs.settings import read as read_settings
from rollcall.front.routing.candidate import Candidate, Choose, Templates, candidate
from rollcall.front.routing.losses import Retained
from rollcall.front.routing.refusal import NotServedError
from rollcall.front.routing.streams import Refused


@dataclass(frozen=True)
class Rendered:
    """A catalog as text and as data, and when consul-template rendered it."""

    text: str
    catalog: Catalog
    at: datetime | None = None


NOTHING = Rendered("", Catalog(()))


def settings() -> Settings:
    """Read front.json.

    Raises:
        NotServedError: the file is missing or invalid.
    """
    try:
        return read_settings(paths.SETTINGS.read_text())
    except (OSError, ValueError) as error:
        raise NotServedError("refused", f"cannot read {paths.SETTINGS}: {error}") from error


def wanted(
    front: Settings, catalog: Catalog, retained: tuple[Retained, ...], choose: Choose, refused: Refused
) -> Candidate:
    """Return the candidate for a catalog and the retained instances, with these settings and the current templates.

    `choose` returns the certificates of its sites; `refused` are ports of streams that it cannot have.

    Raises:
        NotServedError: a template cannot be rendered.
    """
    what = f"cannot render {paths.SITES_TEMPLATE} and {paths.STREAMS_TEMPLATE}"
    try:
        templates = Templates(paths.SITES_TEMPLATE.read_text(), paths.STREAMS_TEMPLATE.read_text())
        return candidate(front, templates, catalog, retained, choose, refused=refused)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f" (line {line})" if line else ""
        raise NotServedError("refused", f"{what}{where}: {error.message or type(error).__name__}") from error
    except Exception as error:
        # A template's expressions may raise anything; nginx must continue as before.
        raise NotServedError("refused", f"{what}: {type(error).__name__}: {error}") from error


def rendered() -> Rendered | None:
    """Read what consul-template rendered last; None before its first rendering.

    Raises:
        NotServedError: the file cannot be read.
    """
    try:
        text = paths.CATALOG.read_text()
        at = datetime.fromtimestamp(paths.CATALOG.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise NotServedError("catalog", f"cannot read the rendered catalog: {error}") from error
    return Rendered(text, catalog_of(text), at)


def catalog_of(text: str) -> Catalog:
    """Parse a rendered catalog.

    Raises:
        NotServedError: the text is not a rendered catalog.
    """
    try:
        return read(text)
    except ValueError as error:
        raise NotServedError("catalog", str(error)) from error


def rendered_before(text: str) -> Rendered:
    """Read the catalog of an earlier generation; an unreadable one, such as another version's, counts as empty."""
    try:
        return Rendered(text, read(text)) if text else NOTHING
    except ValueError:
        return NOTHING
