"""Sections of one command's output."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall import sections

# No text contains a line that starts with the marker.
TEXTS = st.text().filter(lambda text: not any(line.startswith(sections.MARKER) for line in text.split("\n")))


@given(st.dictionaries(st.from_regex("[a-z/. ]*[a-z]", fullmatch=True).filter(lambda title: title != "end"), TEXTS))
def test_every_text_comes_back_unchanged(texts: dict[str, str]) -> None:
    printed = "".join(f"\n{sections.MARKER} {title}\n{text}" for title, text in [*texts.items(), ("end", "")])
    assert sections.read(printed) == texts


def test_a_shell_script_prints_the_sections() -> None:
    script = sections.script("echo welcome; section 'a file'; printf 'x\\ny'; section b; echo z")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert sections.read(done.stdout, ["a file", "b"]) == {"a file": "x\ny", "b": "z\n"}


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "cut off"),
        ("@@rollcall a\ntext\n@@rollcall en", "cut off"),
        ("text @@rollcall end\n", "cut off"),
        ("@@rollcall a\n@@rollcall end\n", "lacks b, c"),
    ],
)
def test_an_incomplete_output_is_rejected(output: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"the output (is )?{reason}"):
        sections.read(output, ["a", "c", "b"])


def test_only_newlines_split_lines() -> None:
    assert sections.lines("a\x85b\u2028c\n\n  \nd\n") == ["a\x85b\u2028c", "d"]
