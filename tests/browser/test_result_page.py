"""The page people watch, through Traefik, as they see it."""

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Open
from browser.voting import vote
from kit.chromium import MOST_KILOBYTES, load

pytestmark = pytest.mark.usefixtures("stack")

# Who vanishes without a word is missed after two pings of five seconds, and that is told every two.
GONE_MILLISECONDS = 20_000
# A half minute of history has to be over before it is shown.
HISTORY_MILLISECONDS = 90_000


def number(page: Page, selector: str) -> int:
    return int(re.sub(r"\D", "", page.locator(selector).text_content() or ""))


def live(page: Page) -> Page:
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    return page


def test_a_vote_moves_every_screen(visit: Open, urls: dict[str, str]) -> None:
    screens = [live(visit(urls["result"]).page) for _ in range(2)]
    voter = visit(urls["vote"]).page
    before = number(screens[0], "[data-key=a] .count")
    total = number(screens[0], "#total")
    vote(voter, "a")
    for screen in screens:
        expect(screen.locator("[data-key=a] .count")).to_have_text(f"{before + 1:,}")
        expect(screen.locator("#total")).to_have_text(f"{total + 1:,}")
        expect(screen.locator("#rate")).to_have_text("0.1", timeout=15_000)
    vote(voter, "b")
    for screen in screens:
        expect(screen.locator("[data-key=a] .count")).to_have_text(f"{before:,}")
        expect(screen.locator("#total")).to_have_text(f"{total + 1:,}")
        expect(screen.locator("#rate")).to_have_text("0.0", timeout=15_000)


def test_everyone_who_watches_is_counted(visit: Open, urls: dict[str, str]) -> None:
    first = live(visit(urls["result"]).page)
    expect(first.locator("#watching")).not_to_have_text("0", timeout=GONE_MILLISECONDS)
    first.wait_for_timeout(GONE_MILLISECONDS)  # Whoever watched before is forgotten.
    alone = number(first, "#watching")
    # Each browser is led to a replica of its own choice.
    others = [visit(urls["result"]) for _ in range(3)]
    for page in (first, *(other.page for other in others)):
        expect(page.locator("#watching")).to_have_text(str(alone + 3), timeout=10_000)
    for other in others:
        other.page.goto("about:blank")
        other.hosts.discard("None")
    expect(first.locator("#watching")).to_have_text(str(alone), timeout=GONE_MILLISECONDS)


def test_the_last_hour_is_there_after_a_reload(visit: Open, urls: dict[str, str]) -> None:
    page = live(visit(urls["result"]).page)
    expect(page.locator("#past")).to_be_visible(timeout=HISTORY_MILLISECONDS)
    load(page)
    line = page.locator("#past polyline[data-key=a]")
    expect(line).to_have_attribute("points", re.compile(r"^[-0-9.]+,[-0-9.]+ .+"))


def test_without_a_script_it_shows_the_moment(visit: Open, urls: dict[str, str]) -> None:
    vote(visit(urls["vote"]).page, "a")
    opened = visit(urls["result"], java_script_enabled=False)
    expect(opened.page.locator("#total")).not_to_have_text("0")
    expect(opened.page.locator("noscript")).to_contain_text("JavaScript", use_inner_text=True)
    expect(opened.page.locator("#full")).to_be_hidden()


def test_on_the_big_screen(visit: Open, urls: dict[str, str]) -> None:
    page = live(visit(urls["result"], viewport={"width": 1920, "height": 1080}).page)
    size = "parseFloat(getComputedStyle(document.querySelector('.name')).fontSize)"
    before = page.evaluate(size)
    page.locator("#full").click()
    page.wait_for_function("document.fullscreenElement !== null")
    assert page.evaluate(size) > 1.5 * before
    page.locator("#full").click()
    page.wait_for_function("document.fullscreenElement === null")


def test_the_result_as_data(visit: Open, urls: dict[str, str]) -> None:
    page = live(visit(urls["result"]).page)
    told = page.evaluate("fetch('results.json').then((answer) => answer.json())")
    assert told["total"] == number(page, "#total")
    assert [option["key"] for option in told["options"]][:2] == ["a", "b"]
    sheet = page.evaluate("fetch('results.csv').then((answer) => answer.text())")
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert [int(row["votes"]) for row in rows] == [option["votes"] for option in told["options"]]
    shown = visit(urls["result"] + "results.svg")
    picture = shown.page
    expect(picture.locator("text").last).to_be_visible()
    assert f"{told['total']:,}" in (picture.locator("svg").text_content() or "")
    shown.troubles.clear()  # Beside a picture by itself the browser looks for a /favicon.ico.


def test_in_french(visit: Open, urls: dict[str, str]) -> None:
    page = live(visit(urls["result"], locale="fr-FR").page)
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("#state")).to_have_text("En direct")
    expect(page.locator("[data-key=a] .percent")).to_have_text(re.compile(r"^\d+,\d\s%$"))


# Where the pages are makes no difference to that.
@pytest.mark.parametrize("routing", ["host"], indirect=True)
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1920])
def test_everyone_can_use_it(visit: Open, urls: dict[str, str], color_scheme: str, width: int) -> None:
    opened = visit(urls["result"], color_scheme=color_scheme, viewport={"width": width, "height": 1000})
    live(opened.page)
    assert opened.accessibility() == ""
    assert not opened.overflows()


def test_it_is_light(visit: Open, urls: dict[str, str]) -> None:
    opened = visit(urls["result"])
    live(opened.page)
    assert 45 < opened.kilobytes() < MOST_KILOBYTES
