"""The target of a drain: a host or a container, and the error for an invalid one."""

import pytest

from rollcall.config import validation
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.drain import target
from rollcall.errors import RollcallError


@pytest.mark.parametrize("text", ["app1", "app1/webserver-1"])
def test_a_target_is_written_as_it_is_read(fleet: Fleet, text: str) -> None:
    found = target.read(text, fleet.members)
    assert (str(found), found.member.name) == (text, "app1")


def test_this_machine_has_two_names(single: Fleet) -> None:
    assert str(target.read("@local/nginx-1", single.members)) == "@local/nginx-1"
    assert str(target.read("laptop/nginx-1", single.members)) == "@local/nginx-1"


def test_a_host_whose_name_has_a_slash() -> None:
    host = RawHost("@ssh/host1", frozenset({"consul_servers"}), {"address": "10.0.0.1"})
    members = validation.check("one", [host], "laptop", nowhere).members
    for text, container in (("@ssh/host1", ""), ("@ssh/host1/web-1", "web-1"), ("host1/web-1", "web-1")):
        found = target.read(text, members)
        assert (found.member.name, found.container) == ("@ssh/host1", container)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("app3", "did you mean app"),
        ("webserver-1", "expected HOST, or HOST/CONTAINER as in app1/webserver-1"),
        ("app1/", "got 'app1/' without a container; expected app1, or app1/CONTAINER"),
        ("", "there are app1, app2, consul1"),
    ],
)
def test_an_invalid_target_is_one_sentence(fleet: Fleet, text: str, sentence: str) -> None:
    with pytest.raises(RollcallError, match=sentence):
        target.read(text, fleet.members)
