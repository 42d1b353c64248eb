"""A template of the user's, as the program knows it."""

from pathlib import Path

from rollcall import settings
from rollcall.components.own_templates import told
from rollcall.own_templates.settings import Template


def template(check: str, destination: Path = Path("/etc/haproxy/haproxy.cfg"), **more: str) -> Template:
    """What is not given is as it is by default."""
    return told(
        settings.Template.model_construct(name="haproxy", destination=str(destination), check=check, **more)  # type: ignore[arg-type]
    )
