"""Keys below rollcall/front/ as requests: each is the intended key, or an error."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.consul import kv
from rollcall.errors import RollcallError


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("canary/shop-80", "canary/shop-80"),
        ("maintenance/shop.example.com/", "maintenance/shop%2Eexample%2Ecom/"),
        ("canary/a?b#c%2F", "canary/a%3Fb%23c%252F"),
        ("canary/", "canary/"),
    ],
)
def test_a_key_is_sent_as_it_is(key: str, path: str) -> None:
    assert kv.put(key, "1").path == f"/v1/kv/rollcall/front/{path}"
    assert kv.delete(key).path == kv.put(key, "1").path


@pytest.mark.parametrize(
    ("response", "value"),
    [([{"Key": "rollcall/acme/sealed-by", "Value": "YWJj"}], "abc"), ([{"Value": None}], ""), (None, "")],
)
def test_one_key_is_read_by_its_whole_name(response: object, value: str) -> None:
    class Agent:
        def read(self, path: str) -> object:
            assert path == "/v1/kv/rollcall/acme/sealed-by"
            return response

    assert kv.value_of(Agent(), "rollcall/acme/sealed-by") == value  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["canary/../x", "canary/.", "..", "canary//x", "/x", "canary/ x", "canary/x ", "a\nb"])
def test_a_key_that_consul_would_normalise_is_a_sentence(key: str) -> None:
    with pytest.raises(RollcallError, match="invalid key 'rollcall/front/"):
        kv.put(key, "1")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_key_leaves_its_folder(key: str) -> None:
    try:
        path = kv.put(key, "").path
    except RollcallError:
        return
    assert unquote(path) == f"/v1/kv/rollcall/front/{key}"
    assert not {".", ".."} & set(path.split("/"))
