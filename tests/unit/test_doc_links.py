"""README and docs lead to files and headings that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollcall.config.project import CHECKOUT

PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")])
LINK = re.compile(r"\]\(([^()#\s:]*)(?:#([^()\s]+))?\)")
# Files of this repository, as opposed to those of a user's project.
OURS = re.compile(r"`((?:rollcall|tests|bench|docs)/[\w./-]+\.\w+)`")
# What a page lets its reader write.
TO_BE_WRITTEN = {"bench/NAME.py"}


def name(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def anchors(page: Path) -> set[str]:
    """Return a page's headings as GitHub links them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    for path, anchor in LINK.findall(page.read_text()):
        there = page.parent / path if path else page
        if not there.exists():
            yield path
        elif anchor and anchor not in anchors(there):
            yield f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_of_ours_that_is_named_exists(page: Path) -> None:
    named = set(OURS.findall(page.read_text())) - TO_BE_WRITTEN
    assert [one for one in sorted(named) if not (CHECKOUT / one).exists()] == []


def test_the_map_of_the_code_has_every_package() -> None:
    packages = {one.parent.name for one in (CHECKOUT / "rollcall").glob("*/__init__.py")}
    text = (CHECKOUT / "docs" / "architecture.md").read_text()
    # Only the first cell of a row: others name folders inside.
    rows = re.findall(r"^\| (`rollcall/[^|]+) \|", text, re.MULTILINE)
    assert packages - {one for row in rows for one in re.findall(r"`(?:rollcall/)?(\w+)/`", row)} == set()
