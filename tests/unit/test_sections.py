"""What one command prints of many things, taken apart again."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall import sections

# A line that begins with the marker is nobody's text.
TEXTS = st.text().filter(lambda text: not any(line.startswith(sections.MARKER) for line in text.split("\n")))


@given(st.dictionaries(st.from_regex("[a-z/. ]*[a-z]", fullmatch=True).filter(lambda title: title != "end"), TEXTS))
def test_every_text_comes_back_as_it_was(texts: dict[str, str]) -> None:
    printed = "".join(f"\n{sections.MARKER} {title}\n{text}" for title, text in [*texts.items(), ("end", "")])
    assert sections.read(printed) == texts


def test_a_shell_prints_what_is_read() -> None:
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
def test_an_answer_that_is_not_whole_is_refused(output: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"its answer (is )?{reason}"):
        sections.read(output, ["a", "c", "b"])


def test_only_a_line_end_divides_lines() -> None:
    assert sections.lines("a\x85b\u2028c\n\n  \nd\n") == ["a\x85b\u2028c", "d"]
