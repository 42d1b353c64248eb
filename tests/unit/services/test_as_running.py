"""A service whose image is named by a tag runs by the digest that a deploy resolved it to."""

from typing import Any

import pytest
from six_hosts import checked

from rollcall.services.as_running import as_running

DIGEST = "@sha256:aaa"
OURS = "r.example.com/rollcall/shop:1"


@pytest.mark.parametrize(
    ("declared", "registry", "running", "expected"),
    [
        ("shop:1", "", f"shop:1{DIGEST}", f"shop:1{DIGEST}"),
        ("shop:1", "", "shop:1", "shop:1"),
        ("shop:2", "", f"shop:1{DIGEST}", "shop:2"),
        ("shop:1", "", None, "shop:1"),
        (f"shop:1{DIGEST}", "", "shop:1@sha256:bbb", f"shop:1{DIGEST}"),
        (
            "rollcall/shop:1",
            "r.example.com",
            f"r.example.com/rollcall/shop:1{DIGEST}",
            f"r.example.com/rollcall/shop:1{DIGEST}",
        ),
    ],
)
def test_a_tag_is_the_digest_that_runs(declared: str, registry: str, running: str | None, expected: str) -> None:
    more: dict[str, Any] = {"registry": registry} if registry else {}
    member = checked(services=[{"name": "shop", "image": declared}], **more).member("app1")
    found = as_running(member, {"shop-1": running} if running else {})
    assert [found.image(service.image) for service in found.settings.services] == [expected]
