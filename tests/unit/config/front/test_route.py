"""Routes as people write them, and the keys that stand for them."""

import base64

import pytest

from rollcall.cli.maintenance import check_sentence
from rollcall.config.front import route
from rollcall.config.front.route import Route
from rollcall.consul import kv
from rollcall.contract.maintenance_page import sentences
from rollcall.errors import RollcallError

NAMES = {"www.example.com"}


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("shop.example.com/api", "shop.example.com", "/api"),
        ("Shop.Example.com/api/", "shop.example.com", "/api"),
        ("shop.example.com", "shop.example.com", "/"),
        ("*.example.com/", "*.example.com", "/"),
        ("/", "", "/"),
        ("/api", "", "/api"),
        ("www.example.com/api", "", "/api"),
    ],
)
def test_a_route_is_read_and_its_page_is_where_the_front_looks(text: str, host: str, path: str) -> None:
    found = route.read(text, NAMES)
    assert found == Route(host, path)
    assert sentences({found.key: "Back at noon"}, "www.example.com") == {(host, path): "Back at noon"}
    assert not found.key.endswith("/"), "consul-template takes that for a folder and leaves it out"


@pytest.mark.parametrize(
    "text", ["https://shop.example.com/", "shop.example.com:80/", "a b/", "/a//b", "/a b", "/../x"]
)
def test_what_is_no_route_is_said_with_what_would_be(text: str) -> None:
    with pytest.raises(RollcallError, match=r"; expected HOST/PATH as in shop\.example\.com/api"):
        route.read(text, NAMES)


def test_a_route_that_nobody_serves_is_not_taken() -> None:
    served = [Route("shop.example.com", "/api"), Route("", "/")]
    route.check(Route("", "/"), served)
    with pytest.raises(
        RollcallError, match=r"no front serves shop\.example\.com/apo; did you mean shop\.example\.com/api\?"
    ):
        route.check(Route("shop.example.com", "/apo"), served)


def test_keys_are_read_as_consul_answers_them() -> None:
    entries = [
        {"Key": "rollcall/front/maintenance/_", "Value": base64.b64encode("Zurück um 12".encode()).decode()},
        {"Key": "rollcall/front/maintenance/shop.example.com/api", "Value": None},
    ]
    assert kv.decoded(entries) == {"maintenance/_": "Zurück um 12", "maintenance/shop.example.com/api": ""}


def test_a_key_is_written_so_that_no_character_ends_it() -> None:
    assert kv.put("maintenance/*.example.com/a?b", "x").path == (
        "/v1/kv/rollcall/front/maintenance/%2A%2Eexample%2Ecom/a%3Fb"
    )


@pytest.mark.parametrize("sentence", ["two\nlines", "x" * 301, "\x1b[31m"])
def test_a_sentence_is_one_line(sentence: str) -> None:
    check_sentence("Wir sind um zwölf zurück – bis gleich! 🙂")
    with pytest.raises(RollcallError, match="expected one line of at most 300"):
        check_sentence(sentence)
