"""A template of the user's, as the program knows it."""

from pathlib import Path

from rollcall.components.template_sync import template_config
from rollcall.config import settings
from rollcall.contract.template_settings import Template


def template(check: str, destination: Path = Path("/etc/haproxy/haproxy.cfg"), **more: str) -> Template:
    """What is not given is as it is by default."""
    return template_config(
        settings.Template.model_construct(name="haproxy", destination=str(destination), check=check, **more)  # type: ignore[arg-type]
    )
