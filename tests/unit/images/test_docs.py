"""What the pages say about our images is of this version."""

import re

import pytest
from own_images import REFERENCES

from rollcall.config.project import CHECKOUT

# This page says which versions cannot do something.
OLD = {"two-fronts.md": {"rollcall/front:0.1.0"}}
PAGES = sorted((CHECKOUT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_an_image_is_named_with_its_tag(page: str) -> None:
    named = set(re.findall(r"rollcall/[a-z]+:\d+\.\d+\.\d+", (CHECKOUT / "docs" / page).read_text()))
    assert named - OLD.get(page, set()) <= set(REFERENCES.values())
