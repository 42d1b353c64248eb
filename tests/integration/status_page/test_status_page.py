"""The front's status page in a real browser."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from status_server import INSTANCES, Front, problem, serving, sight

from rollcall.front.inputs.catalog import Catalog

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
return [...document.querySelectorAll("h1, h2, p, td, th, li, .since, .note, .tag, a, footer")]
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


def texts(browser: Any, selector: str) -> list[str]:
    # In one call of the page: its elements may be exchanged between two.
    found: list[str] = browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent.trim())", selector
    )
    return found


def test_the_page_shows_services_and_routes_without_an_error(browser: Any, front: Front) -> None:
    browser.get(front.url)
    assert browser.title == "front1 – all well"
    assert texts(browser, "tbody th")[:3] == ["nginx-1", "nginx-2", "nginx-3"]
    assert "1234567" in texts(browser, "td")
    assert browser.errors() == []


def test_the_page_refreshes_itself(browser: Any, front: Front, until: Callable[..., None]) -> None:
    browser.get(front.url)
    front.shows(problems=(problem("nginx refuses the newest configuration"),), catalog=Catalog(INSTANCES[:2]))
    until(lambda: "1 problem" in browser.title, "the problem in the title", 15)
    assert "nginx refuses the newest configuration" in texts(browser, ".problems li")[0]
    assert texts(browser, "td[data-label=State]") == ["passing", "passing", "gone"]
    front.shows(problems=(), catalog=Catalog(INSTANCES))
    until(lambda: "all well" in browser.title, "no problem in the title", 15)
    assert texts(browser, ".problems li") == []
    assert browser.errors() == []


def test_unchanged_elements_of_the_page_stay(browser: Any, front: Front, until: Callable[..., None]) -> None:
    browser.get(front.url)
    row = browser.find_element(By.CSS_SELECTOR, "tbody tr")
    before = browser.find_element(By.TAG_NAME, "time").text
    until(lambda: browser.find_element(By.TAG_NAME, "time").text != before, "a later time", 15)
    assert browser.execute_script("return arguments[0].isConnected", row)


def test_a_front_that_does_not_respond_is_reported(browser: Any, until: Callable[..., None]) -> None:
    with serving(sight()) as front:
        browser.get(front.url)
        assert not browser.find_element(By.ID, "stale").is_displayed()
    until(lambda: browser.find_element(By.ID, "stale").is_displayed(), "that the front is silent", 15)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_in_light_and_dark(browser: Any, front: Front, scheme: str) -> None:
    front.shows(problems=(problem("nginx refuses the newest configuration"),), catalog=Catalog(INSTANCES[:2]))
    browser.prefers(scheme)
    browser.get(front.url)
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 30
    assert min(contrasts) >= 4.5
    background = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_phones_and_desktops(browser: Any, width: int) -> None:
    long = replace(INSTANCES[0], identity=f"app1:{'a-very-long-name-' * 6}:80", tags=("a-tag-of-many-letters" * 3,))
    with serving(sight((long, *INSTANCES[1:]))) as front:
        front.shows(problems=(problem("nginx refuses " + "x" * 200),))
        browser.is_wide(width)
        browser.get(front.url)
        assert browser.execute_script("return window.innerWidth") == width
        assert browser.execute_script("return document.documentElement.scrollWidth") == width
        assert browser.execute_script(BEYOND, width) == []


def test_on_a_phone_each_figure_has_its_label(browser: Any, front: Front) -> None:
    browser.is_wide(360)
    browser.get(front.url)
    label = "return getComputedStyle(document.querySelector('td[data-label=Requests]'), '::before').content"
    assert browser.execute_script(label) == '"Requests"'


def test_foreign_names_are_plain_text(browser: Any, until: Callable[..., None]) -> None:
    bad = replace(INSTANCES[0], identity=f"app1:{HOSTILE}:80", node=HOSTILE, tags=(HOSTILE,))
    with serving(sight((bad, *INSTANCES[1:]))) as front:
        front.shows(problems=(problem(HOSTILE),))
        browser.get(front.url)
        # Also what comes later, by the page's script.
        front.shows(problems=(problem(HOSTILE), problem(HOSTILE)))
        until(lambda: len(texts(browser, ".problems li")) == 2, "the second problem", 15)
        assert browser.title == "front1 – 2 problems"
        assert HOSTILE in texts(browser, ".problems li")[1]
        assert HOSTILE in texts(browser, "td[data-label=Host]")
        assert browser.find_elements(By.CSS_SELECTOR, "img, main script") == []
        assert browser.errors() == []


def test_screen_readers_get_names_of_tables_and_problems(browser: Any, front: Front) -> None:
    front.shows(problems=(problem("nginx refuses it"),))
    browser.get(front.url)
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert texts(browser, "[role=status]") == ["1 problem."]
    assert [one.accessible_name for one in browser.find_elements(By.TAG_NAME, "section")] == [
        "Problems",
        "Services",
        "Routes",
    ]
    browser.is_wide(360)
    # Blocks on a phone are still a table's rows and cells to who hears them.
    assert browser.find_element(By.CSS_SELECTOR, "tbody td").aria_role == "cell"
