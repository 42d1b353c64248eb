"""Renderings may replace a file if they read the catalog and lose no more addresses than allowed."""

import pytest

from rollcall.contract.template_rendering import Rendering, addresses, instances, objection, read, source

TEMPLATE = 'bind 127.0.0.1:8404\n{{ range service "web" }}server {{ .Address }}:{{ .Port }}\n{{ end }}'


def text(count: int) -> str:
    return "bind 127.0.0.1:8404\n" + "".join(f"server 10.0.0.{number}:80\n" for number in range(1, count + 1))


def refused(before: int, now: int, keep: float = 0.01) -> str:
    return objection(Rendering(text(now), True), text(before), TEMPLATE, keep)


def test_the_file_contains_the_rendering_without_our_mark() -> None:
    assert source("a\n").startswith("a\n")
    assert read("a\n\n# rollcall: readable\n") == Rendering("a\n", True)
    assert read("a\n# rollcall: readable\n") == Rendering("a", True)
    assert read("# rollcall: ours\n\n# rollcall: unreadable\n") == Rendering("# rollcall: ours\n", False)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("server 10.0.0.1:80;", {"10.0.0.1:80"}),
        ("10.0.0.1, 10.0.0.2.", {"10.0.0.1", "10.0.0.2"}),
        ("[2001:db8::1]:80", {"[2001:db8::1]:80"}),
        ("http://10.0.0.1:80/x", {"10.0.0.1:80"}),
        ("version 1.2.3.4.5 or 300.1.1.1 or [12:30]", set()),
        ("host10.0.0.1", set()),
    ],
)
def test_addresses_are_found_however_they_are_written(line: str, found: set[str]) -> None:
    assert addresses(line) == found


def test_an_address_in_the_template_is_not_an_instance() -> None:
    assert instances(text(2), TEMPLATE) == {"10.0.0.1:80", "10.0.0.2:80"}


def test_losing_all_instances_at_once_is_rejected_even_if_other_addresses_stay() -> None:
    assert refused(5, 0) == "it would lose 5 of 5 addresses at once; with keep 0.01 at least 1 stay"
    assert refused(1, 0)
    assert not refused(5, 1)


def test_the_kept_fraction_is_configurable() -> None:
    assert refused(4, 1, keep=0.5) == "it would lose 3 of 4 addresses at once; with keep 0.5 at least 2 stay"
    assert not refused(4, 2, keep=0.5)
    assert refused(4, 3, keep=1)
    assert not refused(4, 0, keep=0)


def test_nothing_is_lost_where_nothing_was() -> None:
    assert not objection(Rendering(text(0), True), "", TEMPLATE, 1)
    assert not refused(0, 0)
    assert not refused(2, 5)


def test_an_unreadable_catalog_is_rejected() -> None:
    assert "not even itself" in objection(Rendering(text(3), False), text(3), TEMPLATE, 0)
