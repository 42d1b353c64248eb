"""The rights of the front's and the backends' running processes."""

import pytest
from confined import NET_BIND_SERVICE, assert_confined, processes


def test_no_process_of_the_front_runs_as_root(front) -> None:
    assert_confined(front.container, NET_BIND_SERVICE, "101")
    names = {process["Name"] for process in processes(front.container)}
    assert {"python3", "nginx", "consul-template"} <= names


def test_a_backend_has_no_capability(backends) -> None:
    assert_confined(backends[0].container, 0, "101")


@pytest.mark.parametrize("name", ["token", "tls/front.key"])
def test_root_in_the_front_cannot_read_its_secrets(front, name: str) -> None:
    code, _, complaint = front.execute("cat", f"/etc/rollcall/front/{name}")
    assert code != 0 and "Permission denied" in complaint
