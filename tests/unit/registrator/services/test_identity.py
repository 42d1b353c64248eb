"""What Consul can carry, and how it is sent."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.registrator.services.identity import addressable, dns_fault, folded, id_fault, path_fault, path_segment


@pytest.mark.parametrize("text", ["a:b:80", "a/b", "a?b", "a#b", "a%2Fb", "a b", "a&b=c;d", '"', "\\", "...", "A"])
def test_ids_that_mean_nothing_in_an_encoded_path_are_right(text: str) -> None:
    assert id_fault(text) == ""


@pytest.mark.parametrize("text", ["", ".", "..", "/", "a/", "/a", "a//b", "a/./b", "x/../app1:webserver-1:80"])
def test_ids_that_walk_a_path_are_wrong(text: str) -> None:
    assert "cannot hold an empty segment" in id_fault(text)


@pytest.mark.parametrize("text", ["\0", "a\nb", "\x7f", "a\u00a0b", "\u200b", "é", "\ud800"])
def test_ids_that_are_not_printable_ascii_are_wrong(text: str) -> None:
    assert "printable" in id_fault(text)


@pytest.mark.parametrize("text", ["consul", "Consul", "CONSUL"])
def test_the_id_of_consuls_own_servers_is_theirs(text: str) -> None:
    assert "own servers" in id_fault(text)


def test_an_id_has_an_end() -> None:
    assert id_fault("x" * 512) == ""
    assert "at most 512" in id_fault("x" * 513)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_segment_stays_one_and_comes_back_as_it_was(text: str) -> None:
    segment = path_segment(text)
    assert unquote(segment) == text
    assert not set(segment) & set("/.?#;\\ ") and segment.isascii()


@pytest.mark.parametrize(("one", "other"), [("WEB", "web"), ("É", "é"), ("ẞ", "ß"), ("İ", "i"), ("\u212a", "k")])
def test_ids_that_the_catalog_takes_for_one_fold_alike(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_ids_that_the_catalog_keeps_apart_fold_apart() -> None:
    assert folded("Σ") != folded("ς")
    assert folded("ss") != folded("ß")


def test_names_may_have_letters_of_any_alphabet_but_not_walk() -> None:
    assert path_fault("é") == path_fault("con/sul") == ""
    assert path_fault("a/../b") and path_fault("a\nb")
    assert not addressable("")


@pytest.mark.parametrize("label", ["", "a_b", "a.b", "é", "x" * 64, "urlprefix-/", "-a", "a-"])
def test_labels_that_dns_cannot_carry(label: str) -> None:
    assert dns_fault(label)
    assert not dns_fault("web-80") and not dns_fault("x" * 63) and not dns_fault("8")
