"""The front's status page in a real browser."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from status_server import INSTANCES, Front, problem, serving, sight

from rollcall.contract.acme_files import NameState
from rollcall.contract.problems import Problem
from rollcall.front.certificates.choice import Offer
from rollcall.front.certificates.sites import Site
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.routing.model import Server, Upstream
from rollcall.front.status.changes import Change, Noted
from rollcall.front.status.history import Series

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
# The relative luminances of WCAG 2.2, and the ratio of an element's colour to what is behind it.
CONTRASTS = """
function luminance(colour) {
  const [r, g, b] = colour.match(/[0-9.]+/g).map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
  for (let one = element; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (!colour.startsWith("rgba(0, 0, 0, 0")) return colour;
  }
  return "rgb(255, 255, 255)";
}
const SHOWN = "h1, h2, p, td, th, li, .since, .note, .tag, a, footer, label, kbd, summary, button, time, .plot *";
return [...document.querySelectorAll(SHOWN)]
  .filter((element) => element.getClientRects().length)
  .map((element) => {
    const [one, other] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  });
"""
# What sticks out of the screen at its right.
BEYOND = """
return [...document.querySelectorAll("main *")]
  .filter((element) => element.getBoundingClientRect().right > arguments[0] + 1)
  .map((element) => element.outerHTML);
"""

SHOP = tuple(
    replace(one, service="shop-with-a-long-name-80", port=21000, identity=f"{one.node}:shop:80") for one in INSTANCES
)
DATABASE = Instance("postgres-5432", "app1:db:5432", "app1", "10.77.0.21", 5432)
SERVERS = tuple(Instance("consul", "consul", f"consul{n}", f"10.77.0.1{n}", 8300, node_alive=n < 3) for n in (1, 2, 3))
HISTORY = {"nginx-80": Series((*(0.0,) * 80, *range(1, 11)), (*(0,) * 88, 2, 3), (*(None,) * 85, *(1.5,) * 5))}


def changes(subject: str = "app2/web-3") -> tuple[Noted, ...]:
    now = datetime.now(UTC)
    return tuple(Noted(now - timedelta(seconds=12 + n), Change(subject, "joined", "nginx-80")) for n in range(8))


def full() -> dict[str, Any]:
    """Everything that a page may show, with two services that have a route and one that has none."""
    shown = sight()
    shop = Upstream("shop", tuple(Server(one, one.weight) for one in SHOP[:2]), (SHOP[0].service,))
    ill = replace(SHOP[2], state="critical")
    return {
        "problems": (problem("nginx refuses the newest configuration"), Problem("conflict", "two want it")),
        "catalog": Catalog((*INSTANCES, *SHOP[:2], ill, DATABASE, *SERVERS)),
        "routing": replace(shown.routing, upstreams=(*shown.routing.upstreams, shop)),
        "cluster": Cluster("10.77.0.11:8300", frozenset(one.endpoint for one in SERVERS), {"front1": True}),
        "changes": changes(),
    }


def texts(browser: Any, selector: str) -> list[str]:
    # In one call of the page: its elements may be exchanged between two.
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent.trim())", selector
    )
    return found


def test_the_page_shows_services_and_routes_without_an_error(browser: Any, front: Front) -> None:
    browser.get(front.url)
    assert browser.title == "All well – front1, shop-fleet"
    assert texts(browser, "[data-item] th")[:3] == ["nginx-1", "nginx-2", "nginx-3"]
    assert "1234567" in texts(browser, "td")
    assert browser.errors() == []


def test_the_page_refreshes_itself(browser: Any, front: Front, until: Callable[..., None]) -> None:
    browser.get(front.url)
    front.shows(problems=(problem("nginx refuses the newest configuration"),), catalog=Catalog(INSTANCES[:2]))
    until(lambda: "1 problem" in browser.title, "the problem in the title", 15)
    assert "nginx refuses the newest configuration" in texts(browser, ".problems li")[0]
    assert texts(browser, "td[data-label=State]") == ["passing", "passing", "gone"]
    front.shows(problems=(), catalog=Catalog(INSTANCES))
    until(lambda: "All well" in browser.title, "no problem in the title", 15)
    assert texts(browser, ".problems li") == []
    assert browser.errors() == []


def test_unchanged_elements_of_the_page_stay(browser: Any, front: Front, until: Callable[..., None]) -> None:
    browser.get(front.url)
    row = browser.find_element(By.CSS_SELECTOR, "tbody tr")
    front.shows(connections={"active": 4})
    until(lambda: "4 connections" in texts(browser, "header")[0], "a refresh", 15)
    assert browser.execute_script("return arguments[0].isConnected", row)


def test_a_page_of_which_nothing_changes_is_as_of_now(browser: Any, front: Front, until: Callable[..., None]) -> None:
    browser.get(front.url)
    # Three: the page itself, the first refresh, and one that has nothing new.
    for _ in range(3):
        before = texts(browser, "#now")[0]
        until(lambda before=before: texts(browser, "#now")[0] > before, "a later time", 15)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", texts(browser, "#now")[0])


def test_a_front_that_does_not_respond_is_reported(browser: Any, until: Callable[..., None]) -> None:
    with serving(sight()) as front:
        browser.get(front.url)
        assert not browser.find_element(By.ID, "stale").is_displayed()
    until(lambda: browser.find_element(By.ID, "stale").is_displayed(), "that the front is silent", 15)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_in_light_and_dark(
    browser: Any, front: Front, scheme: str, until: Callable[..., None]
) -> None:
    front.shows(**full())
    front.history = HISTORY
    browser.prefers(scheme)
    browser.get(front.url)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, ".plot"), "the plots", 15)
    browser.execute_script("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 100
    assert min(contrasts) >= 4.5
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_the_page_fits_phones_and_desktops(browser: Any, width: int, until: Callable[..., None]) -> None:
    long = replace(INSTANCES[0], identity=f"app1:{'a-very-long-name-' * 6}:80", tags=("a-tag-of-many-letters" * 3,))
    with serving(sight((long, *INSTANCES[1:]))) as front:
        front.shows(problems=(problem("nginx refuses " + "x" * 200),), changes=changes(long.identity))
        front.history = HISTORY
        browser.is_wide(width)
        browser.get(front.url)
        until(lambda: browser.find_elements(By.CSS_SELECTOR, ".plot"), "the plots", 15)
        assert browser.execute_script("return window.innerWidth") == width
        assert browser.execute_script("return document.documentElement.scrollWidth") == width
        assert browser.execute_script(BEYOND, width) == []


def test_on_a_phone_each_figure_has_its_label(browser: Any, front: Front) -> None:
    browser.is_wide(360)
    browser.get(front.url)
    label = "return getComputedStyle(document.querySelector('td[data-label=Requests]'), '::before').content"
    assert browser.execute_script(label) == '"Requests"'


def test_foreign_names_are_plain_text(browser: Any, until: Callable[..., None]) -> None:
    bad = replace(INSTANCES[0], identity=f"app1:{HOSTILE}:80", node=HOSTILE, tags=(HOSTILE,), service=HOSTILE)
    with serving(sight((bad, *INSTANCES[1:]))) as front:
        front.shows(problems=(problem(HOSTILE),), changes=changes(HOSTILE))
        front.history = {HOSTILE: HISTORY["nginx-80"]}
        browser.get(front.url)
        # Also what comes later, by the page's script.
        front.shows(problems=(problem(HOSTILE), problem(HOSTILE)))
        until(lambda: len(texts(browser, ".problems li")) == 2, "the second problem", 15)
        assert browser.title == "2 problems – front1, shop-fleet"
        assert HOSTILE in texts(browser, ".problems li")[1]
        assert HOSTILE in texts(browser, "td[data-label=Host]")
        assert HOSTILE in texts(browser, ".changes strong")
        assert browser.find_elements(By.CSS_SELECTOR, "img, main script") == []
        assert browser.errors() == []


def test_screen_readers_get_names_of_tables_and_problems(browser: Any, front: Front) -> None:
    front.shows(problems=(problem("nginx refuses it"),))
    browser.get(front.url)
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert texts(browser, "section [role=status]") == ["1 problem."]
    assert [one.accessible_name for one in browser.find_elements(By.TAG_NAME, "section")] == [
        "Problems",
        "Just changed",
        "Services",
        "Routes",
        "Fleet",
    ]
    browser.is_wide(360)
    # Blocks on a phone are still a table's rows and cells to who hears them.
    assert browser.find_element(By.CSS_SELECTOR, "tbody td").aria_role == "cell"


@pytest.fixture
def open_page(browser: Any, front: Front, until: Callable[..., None]) -> Any:
    """The page with everything on it, and its plots drawn."""
    front.shows(**full())
    front.history = HISTORY
    browser.get(front.url)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, ".plot"), "the plots", 15)
    return browser


def shown(browser: Any, selector: str) -> list[str]:
    """Return the texts of what is to be seen."""
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility())"
        ".map((one) => one.textContent.trim())",
        selector,
    )
    return found


def test_columns_stand_at_the_same_place_in_every_service(open_page: Any) -> None:
    open_page.execute_script("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    places = open_page.execute_script(
        "return [...document.querySelectorAll('.services tr[data-item]')].map((row) =>"
        " [...row.cells].map((cell) => Math.round(cell.getBoundingClientRect().left)))"
    )
    assert len(places) == 7
    assert places == [places[0]] * 7


def test_each_routed_service_has_its_plots_and_they_say_what_they_show(open_page: Any) -> None:
    assert len(texts(open_page, ".plot")) == 6
    labels = [one.get_attribute("aria-label") for one in open_page.find_elements(By.CSS_SELECTOR, ".plot svg")]
    assert labels[:3] == [
        "Requests of the last 15 minutes: 10 /s, most 10 /s",
        "Errors of the last 15 minutes: 5, in 15 min",
        "Mean of the last 15 minutes: 1.5 ms, most 1.5 ms",
    ]
    assert labels[3:] == [
        "Requests of the last 15 minutes: 0 /s, most 0 /s",
        "Errors of the last 15 minutes: 0, in 15 min",
        "Mean of the last 15 minutes: –, most 0 ms",
    ]
    lines, bars, means = (
        one.get_attribute("d") for one in open_page.find_elements(By.CSS_SELECTOR, ".plot path")[1:6:2]
    )
    assert (lines.count("L"), bars.count("V"), means.count("M"), means.count("L")) == (90, 2, 1, 5)
    assert open_page.errors() == []


def test_a_history_that_grows_moves_the_plots(open_page: Any, front: Front, until: Callable[..., None]) -> None:
    front.history = {"nginx-80": replace(HISTORY["nginx-80"], rates=(*(0.0,) * 89, 77.0))}
    until(lambda: "77 /s" in texts(open_page, ".plot strong"), "the new rate", 20)


def test_typing_filters_every_list_and_a_refresh_keeps_it(
    open_page: Any, front: Front, until: Callable[..., None]
) -> None:
    assert len(shown(open_page, ".services tr[data-item]")) == 6
    open_page.find_element(By.TAG_NAME, "body").send_keys("/app2 SHOP")
    assert shown(open_page, ".services tr[data-item] th") == ["shop"]
    assert shown(open_page, "tr.service th") == [SHOP[0].service]
    assert shown(open_page, "#matches")[0].startswith("1 of ")
    assert shown(open_page, ".problems li") != []
    front.shows(connections={"active": 4})
    until(lambda: "4 connections" in texts(open_page, "header")[0], "a refresh", 15)
    assert shown(open_page, ".services tr[data-item] th") == ["shop"]
    open_page.get(open_page.current_url)
    open_page.refresh()
    until(lambda: shown(open_page, ".services tr[data-item] th") == ["shop"], "the filter in the address", 15)
    open_page.find_element(By.ID, "filter").clear()
    until(lambda: len(shown(open_page, ".services tr[data-item]")) == 6, "all of them", 15)


def test_what_is_folded_away_is_found(open_page: Any) -> None:
    assert shown(open_page, "summary") == ["2 earlier", "1 service without a route (1 instance)"]
    assert "db" not in shown(open_page, "[data-item] th")
    open_page.find_element(By.ID, "filter").send_keys("postgres")
    assert shown(open_page, "[data-item] th") == ["db"]


def test_an_open_fold_stays_open(open_page: Any, front: Front, until: Callable[..., None]) -> None:
    open_page.find_elements(By.TAG_NAME, "summary")[1].click()
    front.shows(connections={"active": 4})
    until(lambda: "4 connections" in texts(open_page, "header")[0], "a refresh", 15)
    assert "db" in shown(open_page, "[data-item] th")


def test_times_go_on_by_themselves_and_have_the_moment_behind_them(open_page: Any, until: Callable[..., None]) -> None:
    newest = ".changes li:first-child time"
    before = texts(open_page, newest)[0]
    assert before.endswith(" s")
    until(lambda: texts(open_page, newest)[0] != before, "a later time", 15)
    moment = open_page.find_element(By.CSS_SELECTOR, newest).get_attribute("title")
    open_page.find_element(By.ID, "times").click()
    assert texts(open_page, newest)[0] == moment
    assert moment.endswith(" UTC")
    open_page.find_element(By.ID, "times").click()
    assert texts(open_page, newest)[0].endswith(" s")


def test_servers_and_hosts_are_shown(open_page: Any) -> None:
    rows = [row.split() for row in shown(open_page, "section:last-of-type tr[data-item]")]
    assert ["consul1", "alive", "server,", "leader", "0"] in rows
    assert ["consul3", "lost", "server,", "voter", "0"] in rows


def certificates(now: datetime) -> tuple[Site, ...]:
    """Each state that a site's certificate may have: ACME's, one that ended, a file of the user's own, and none."""

    def by(name: str, days: int, **more: Any) -> Offer:
        return Offer((name,), Path("cert"), Path("key"), "Let's Encrypt R13", now + timedelta(days=days), **more)

    return (
        Site("shop.example.com", by("shop.example.com", 60), state=NameState(next_try=f"{now:%Y-%m-%dT%H:%M:%SZ}")),
        Site("old.example.com", by("old.example.com", -3), state=NameState(error="the authority does not answer")),
        Site("own.example.com", by("own.example.com", 300, own="certificates/own.pem")),
        Site("a-rather-long-host-name.of-a-department.example.com", state=NameState(error=HOSTILE)),
    )


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_certificates_in_trouble_are_seen_without_a_click(
    browser: Any, front: Front, width: int, until: Callable[..., None]
) -> None:
    browser.is_wide(width)
    front.shows(certificates=certificates(datetime.now(UTC)))
    browser.get(front.url)
    until(lambda: browser.find_elements(By.CSS_SELECTOR, ".plot"), "the plots", 15)
    rows = shown(browser, "[data-group=certificate] tbody th")
    assert rows == ["old.example.com", "a-rather-long-host-name.of-a-department.example.com"]
    ended = f"it ended on {datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}; the authority does not answer"
    assert shown(browser, "[data-group=certificate] td:last-child") == [ended, HOSTILE]
    assert "2 sites without trouble" in texts(browser, "summary")
    assert browser.execute_script(BEYOND, width) == []
    assert browser.title != "owned"
    front.shows(certificates=certificates(datetime.now(UTC))[::2])
    until(lambda: not shown(browser, "[data-group=certificate] tbody th"), "a page without trouble")


def test_the_icon_of_the_tab_changes_with_the_problems(browser: Any, front: Front, until: Callable[..., None]) -> None:
    icon = "return document.querySelector('link[rel=icon]').href"
    browser.get(front.url)
    well = browser.execute_script(icon)
    front.shows(problems=(problem("nginx refuses it"),))
    until(lambda: browser.execute_script(icon) != well, "another icon", 15)
    assert browser.errors() == []
