"""The base of every section of settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of settings; frozen, and strict so that "80" is not silently a port."""

    # Deferred: only the whole, Settings, ever validates, so building each section by itself is wasted.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)
