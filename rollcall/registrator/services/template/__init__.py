"""The useful part of Go's text/template, for tags: fields, index, pipelines, if, range, with, and some functions.

Written here because a library is either Go itself behind a C interface, or brings functions that read the
registrator's own environment, which holds its token, into what any container may say.
"""

from rollcall.registrator.services.template.errors import TemplateError
from rollcall.registrator.services.template.parse import Template, parse
from rollcall.registrator.services.template.run import render

__all__ = ["Template", "TemplateError", "parse", "render"]
