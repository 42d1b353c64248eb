"""A container says where it wants to be reached, and is: through the lab's front, by the hosts that containers name."""

import html
import time
from collections import Counter
from collections.abc import Callable

from at_front import Page, ask, delete, problems, put, settle, status
from deployed import BACKENDS, Fleet, answering, wait_for
from shop import container

SHOP = "shop.example.com"
# A container starts on the lab, where six engines share two cores, in one second or two.
SECONDS = 15
# What the front promises of a key, plus what the test's own way to ask takes.
AT_ONCE = 1.0


def who(host: str, path: str = "/") -> str:
    """Give the container that answers."""
    return ask(host, path).text.split(" ")[0]


def shares(host: str, requests: int = 200) -> dict[str, float]:
    """Give the part of the requests that each container answers."""
    counts = Counter(who(host) for _ in range(requests))
    return {name: count / requests for name, count in counts.items()}


def nobody_else_is_harmed() -> None:
    assert answering() == BACKENDS


def test_a_container_gets_the_hosts_that_it_names(fleet: Fleet, says: Callable[[str], None]) -> None:
    hosts = (SHOP, "store.example.com")
    with container(fleet, "app1", "shop-1", "shop", virtual_host=",".join(hosts)):
        begun = time.monotonic()
        for host in hosts:
            wait_for(f"shop-1 at {host}", lambda host=host: ask(host, "/a?b=c") == Page(200, "shop-1 /a?b=c"), SECONDS)
        says(f"reached {time.monotonic() - begun:.2f} s after docker run returned")
        settle(fleet)
        assert who("other.example.com") != "shop-1"
        nobody_else_is_harmed()
    wait_for("default site once it is gone", lambda: who(SHOP) != "shop-1" and ask(SHOP).status == 200, SECONDS)


def test_a_path_of_a_host_with_and_without_its_prefix(fleet: Fleet) -> None:
    with (
        container(fleet, "app1", "pages-1", "pages", virtual_host=SHOP),
        container(fleet, "app2", "api-1", "api", virtual_host=SHOP, virtual_path="/api"),
        container(fleet, "app2", "bare-1", "bare", virtual_host=SHOP, virtual_path="/bare", virtual_strip="true"),
    ):
        for path, name in (("/", "pages-1"), ("/api", "api-1"), ("/bare", "bare-1")):
            wait_for(f"{name} at {path}", lambda path=path, name=name: who(SHOP, path) == name, SECONDS)
        settle(fleet)
        assert ask(SHOP, "/api/a?b=c").text == "api-1 /api/a?b=c"
        assert ask(SHOP, "/bare/a?b=c").text == "bare-1 /a?b=c"
        assert ask(SHOP, "/bare/a%20b").text == "bare-1 /a%20b"
        assert ask(SHOP, "/apis").text == "pages-1 /apis", "a prefix ends where a part of the path ends"


def test_a_wildcard_gets_names_without_an_exact_match(fleet: Fleet) -> None:
    with (
        container(fleet, "app1", "any-1", "any", virtual_host="*.example.com"),
        container(fleet, "app1", "shop-1", "shop", virtual_host=SHOP),
    ):
        wait_for("both", lambda: {who(SHOP), who("new.example.com")} == {"shop-1", "any-1"}, SECONDS)
        settle(fleet)
        assert who("a.b.example.com") == "any-1"
        assert who("example.com") != "any-1"


def test_weight(fleet: Fleet, says: Callable[[str], None]) -> None:
    with (
        container(fleet, "app1", "shop-1", "shop", virtual_host=SHOP, weight="3"),
        container(fleet, "app2", "shop-2", "shop", virtual_host=SHOP, weight="1"),
    ):
        wait_for("both", lambda: shares(SHOP, 8).keys() == {"shop-1", "shop-2"}, SECONDS)
        settle(fleet)
        found = shares(SHOP, 400)
        says(f"weights 3 and 1: {found}")
        assert 0.70 < found["shop-1"] < 0.80


def test_two_services_at_one_route(fleet: Fleet) -> None:
    with container(fleet, "app1", "zebra-1", "zebra", virtual_host=SHOP):
        wait_for("the only one", lambda: who(SHOP) == "zebra-1", SECONDS)
        with container(fleet, "app2", "ant-1", "ant", virtual_host=SHOP):
            wait_for("the one whose service sorts first", lambda: who(SHOP) == "ant-1", SECONDS)
            settle(fleet)
            [complaint] = [one for one in problems(fleet) if one.startswith("conflict: ")]
            assert "zebra" in complaint
            assert "ant" in complaint
            assert SHOP in complaint
            nobody_else_is_harmed()
        wait_for("the other again", lambda: who(SHOP) == "zebra-1", SECONDS)
        wait_for("no complaint", lambda: not problems(fleet), SECONDS)


def test_invalid_metadata_costs_only_its_own_instance(fleet: Fleet) -> None:
    bad = {"virtual_host": SHOP, "virtual_path": 'api"; } return 200'}
    with (
        container(fleet, "app1", "shop-1", "shop", virtual_host=SHOP),
        container(fleet, "app2", "shop-2", "shop", **bad),
    ):
        complaint = wait_for("complaint", lambda: [one for one in problems(fleet) if "shop-2" in one], SECONDS)
        assert len(complaint) == 1
        assert complaint[0].startswith("metadata: ")
        assert "virtual_path" in complaint[0].lower()
        assert shares(SHOP, 20) == {"shop-1": 1.0}
        nobody_else_is_harmed()


def test_a_maintenance_page_replaces_a_route(fleet: Fleet, says: Callable[[str], None]) -> None:
    sentence = "Back at nine & <b>better</b>"
    key = f"maintenance/{SHOP}/api"
    with (
        container(fleet, "app1", "pages-1", "pages", virtual_host=SHOP),
        container(fleet, "app2", "api-1", "api", virtual_host=SHOP, virtual_path="/api"),
    ):
        wait_for("both", lambda: {who(SHOP), who(SHOP, "/api")} == {"pages-1", "api-1"}, SECONDS)
        try:
            put(fleet, key, sentence)
            begun = time.monotonic()
            page = wait_for("page", lambda: (found := ask(SHOP, "/api/x")).status == 503 and found, AT_ONCE)
            says(f"maintenance page {time.monotonic() - begun:.2f} s after its key was written")
            settle(fleet)
            assert sentence not in page.text
            assert sentence in html.unescape(page.text)
            assert int(page.retry_after) > 0
            assert who(SHOP) == "pages-1"
            nobody_else_is_harmed()
        finally:
            delete(fleet, key)
        wait_for("route again", lambda: who(SHOP, "/api") == "api-1", AT_ONCE)


def test_the_default_site_has_a_page_too(fleet: Fleet) -> None:
    try:
        put(fleet, "maintenance/_", "Moving house")
        wait_for("page", lambda: ask("www.mastartup.io").status == 503, AT_ONCE)
        settle(fleet)
        assert "Moving house" in ask("www.mastartup.io").text
    finally:
        delete(fleet, "maintenance/_")
    wait_for("site again", lambda: ask("www.mastartup.io").status == 200, AT_ONCE)


def test_canary(fleet: Fleet, says: Callable[[str], None]) -> None:
    key = "canary/shop"
    with (
        container(fleet, "app1", "old-1", "shop", virtual_host=SHOP, tags="v1"),
        container(fleet, "app2", "new-1", "shop", virtual_host=SHOP, tags="v2"),
    ):
        wait_for("both", lambda: shares(SHOP, 8) == {"old-1": 0.5, "new-1": 0.5}, SECONDS)
        try:
            put(fleet, key, '{"v2": 10}')
            begun = time.monotonic()
            wait_for("one in ten", lambda: shares(SHOP, 20).get("new-1", 0) <= 0.15, AT_ONCE)
            says(f"canary's share {time.monotonic() - begun:.2f} s after its key was written")
            settle(fleet)
            found = shares(SHOP, 400)
            says(f"v2 at 10 %: {found}")
            assert 0.08 < found["new-1"] < 0.12
            [shop] = [one for one in status(fleet)["services"] if one["name"] == "shop"]
            assert shop["canary"] == {"v2": 10}
            by_container = {one["container"]: round(one["share"], 2) for one in shop["instances"]}
            assert by_container == {"old-1": 0.9, "new-1": 0.1}
        finally:
            delete(fleet, key)
        wait_for("both alike again", lambda: shares(SHOP, 8) == {"old-1": 0.5, "new-1": 0.5}, AT_ONCE)


def test_an_invalid_canary_changes_nothing(fleet: Fleet) -> None:
    try:
        put(fleet, "canary/shop", '{"v2": "a few"')
        wait_for("complaint", lambda: any("canary/shop" in one for one in problems(fleet)), SECONDS)
        nobody_else_is_harmed()
    finally:
        delete(fleet, "canary/shop")
    wait_for("no complaint", lambda: not problems(fleet), SECONDS)
