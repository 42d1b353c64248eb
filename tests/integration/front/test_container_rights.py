"""What the front's and the backends' processes may do once they run."""

import pytest
from confined import NET_BIND_SERVICE, assert_confined, processes


def test_nothing_of_the_front_is_root(front) -> None:
    assert_confined(front.container, NET_BIND_SERVICE, "101")
    names = {one["Name"] for one in processes(front.container)}
    assert {"python3", "nginx", "consul-template"} <= names


def test_a_backend_has_no_power_at_all(backends) -> None:
    assert_confined(backends[0].container, 0, "101")


@pytest.mark.parametrize("name", ["token", "tls/front.key"])
def test_not_even_root_in_the_front_reads_its_secrets(front, name: str) -> None:
    code, _, complaint = front.execute("cat", f"/etc/rollcall/front/{name}")
    assert code != 0 and "Permission denied" in complaint
