"""What a deploy mounted and consul-template rendered, read anew each time."""

from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import TemplateError

from rollcall.front import paths
from rollcall.front.inputs.catalog import Catalog, read
from rollcall.front.inputs.settings import Settings
from rollcall.front.inputs.settings import read as read_settings
from rollcall.front.routing.candidate import Candidate, candidate
from rollcall.front.routing.losses import Kept
from rollcall.front.routing.refusal import NotServedError


@dataclass(frozen=True)
class Rendered:
    """A catalog as consul-template rendered it, as it was read, and when it was rendered."""

    text: str
    catalog: Catalog
    at: datetime | None = None


NOTHING = Rendered("", Catalog(()))


def settings() -> Settings:
    """Read front.json.

    Raises:
        NotServedError: there is none, or it is none.
    """
    try:
        return read_settings(paths.SETTINGS.read_text())
    except (OSError, ValueError) as error:
        raise NotServedError("refused", f"{paths.SETTINGS} cannot be read: {error}") from error


def wanted(told: Settings, catalog: Catalog, kept: tuple[Kept, ...]) -> Candidate:
    """Say what is to be served of a catalog, and of what it has lost, under these settings and the template as it is.

    Raises:
        NotServedError: the template cannot be rendered.
    """
    what = f"{paths.SITES_TEMPLATE} cannot be rendered"
    try:
        return candidate(told, paths.SITES_TEMPLATE.read_text(), catalog, kept)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f" (line {line})" if line else ""
        raise NotServedError("refused", f"{what}{where}: {error.message or type(error).__name__}") from error
    except Exception as error:
        # A template may do whatever an expression can; and whatever it is, visitors are served as before.
        raise NotServedError("refused", f"{what}: {type(error).__name__}: {error}") from error


def rendered() -> Rendered | None:
    """Read what consul-template rendered last; None while it has rendered nothing.

    Raises:
        NotServedError: it cannot be read.
    """
    try:
        text = paths.CATALOG.read_text()
        at = datetime.fromtimestamp(paths.CATALOG.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise NotServedError("catalog", f"the rendered catalog cannot be read: {error}") from error
    return Rendered(text, catalog_of(text), at)


def catalog_of(text: str) -> Catalog:
    """Read a rendering.

    Raises:
        NotServedError: it is none.
    """
    try:
        return read(text)
    except ValueError as error:
        raise NotServedError("catalog", str(error)) from error


def rendered_before(text: str) -> Rendered:
    """Read the catalog of an earlier generation; what cannot be read, as from another version, is nothing."""
    try:
        return Rendered(text, read(text)) if text else NOTHING
    except ValueError:
        return NOTHING
