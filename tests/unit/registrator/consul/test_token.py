"""Where the registrator's token comes from, and what is said where there is none."""

from pathlib import Path

import pytest

from rollcall.registrator.consul.token import token_from
from rollcall.registrator.flags import UsageError, parse
from rollcall.registrator.settings import settings_from

TOKEN = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("text", [TOKEN, f"{TOKEN}\n", f"{TOKEN}\r\n", f" {TOKEN} \n"])
def test_the_token_is_the_text_of_the_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(text.encode())
    assert token_from({"CONSUL_HTTP_TOKEN_FILE": str(file)}) == TOKEN


def test_the_file_wins_over_the_variable_as_with_consul_itself(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    assert token_from({"CONSUL_HTTP_TOKEN_FILE": str(file), "CONSUL_HTTP_TOKEN": "other"}) == TOKEN
    assert token_from({"CONSUL_HTTP_TOKEN_FILE": "", "CONSUL_HTTP_TOKEN": "other"}) == "other"
    assert token_from({}) == ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot read"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"one\ntwo", "holds something other than a token"),
        (b"one two", "holds something other than a token"),
        (b"\xff\xfe", "holds something other than a token"),
        (b"one\x00", "holds something other than a token"),
    ],
)
def test_a_file_without_a_token_is_one_sentence(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        token_from({"CONSUL_HTTP_TOKEN_FILE": str(file)})
    said = str(raised.value)
    assert says in said
    assert str(file) in said
    assert "expected a file that holds only a token" in said
    assert "\n" not in said
    assert "one" not in said.replace("alone", "")


def test_a_variable_that_would_end_its_header_is_refused_without_being_shown() -> None:
    with pytest.raises(UsageError) as raised:
        token_from({"CONSUL_HTTP_TOKEN": "hush\r\nX-Other: 1"})
    assert "hush" not in str(raised.value)


def test_the_token_is_in_no_text_of_the_settings() -> None:
    settings = settings_from(parse(["consul://"]), "app1", "", TOKEN)
    assert settings.token == TOKEN
    assert TOKEN not in repr(settings)
