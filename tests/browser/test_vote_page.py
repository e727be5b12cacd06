"""The page people vote on, through Traefik, as they see it."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Open
from browser.voting import total, vote
from kit.chromium import MOST_KILOBYTES, load

pytestmark = pytest.mark.usefixtures("stack")


def chosen(page: Page) -> list[str | None]:
    return [found.get_attribute("value") for found in page.locator("[aria-pressed=true]").all()]


def expect_chosen(page: Page, key: str) -> None:
    """Wait until this option is chosen, and no other: the page may be on its way."""
    pressed = page.locator("[aria-pressed=true]")
    expect(pressed).to_have_count(1)
    expect(pressed).to_have_attribute("value", key)


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_vote_change_and_return(visit: Open, urls: dict[str, str], java_script_enabled: bool) -> None:
    page = visit(urls["vote"], java_script_enabled=java_script_enabled).page
    assert chosen(page) == []
    for key in ("a", "b"):
        vote(page, key)
        expect_chosen(page, key)
    load(page, urls["vote"])
    assert chosen(page) == ["b"]
    expect(page.locator("#container")).to_have_text(re.compile("^[0-9a-f]{12}$"))


def test_with_a_script_a_vote_loads_no_page(visit: Open, urls: dict[str, str]) -> None:
    page = visit(urls["vote"]).page
    page.evaluate("window.same = true")
    vote(page, "a")
    assert page.evaluate("window.same") is True
    expect(page.locator("button[value=a]")).to_be_focused()


def test_a_vote_that_is_not_recorded_is_not_called_so_and_sent_again(
    visit: Open, urls: dict[str, str]
) -> None:
    opened = visit(urls["vote"])
    page = opened.page
    vote(page, "a")
    opened.context.set_offline(True)
    page.locator("button[value=b]").click()
    assert chosen(page) == ["b"]
    expect(page.locator("#notice")).to_contain_text("NOT recorded yet")
    expect(page.locator("form")).to_have_attribute("data-state", "retrying")
    opened.context.set_offline(False)
    expect(page.locator("form")).to_have_attribute("data-state", "recorded", timeout=20_000)
    load(page)
    assert chosen(page) == ["b"]
    opened.troubles.clear()  # The browser itself notes each request that found no network.


LOSE_TWO_ANSWERS = """
const real = window.fetch;
window.lost = [];
window.fetch = async (...request) => {
  const answer = await real(...request);
  if (lost.length === 2) return answer;
  lost.push(answer.status);
  throw new TypeError("lost");
};
null;
"""


def test_a_vote_whose_answer_was_lost_counts_once(visit: Open, urls: dict[str, str]) -> None:
    page, screen = visit(urls["vote"]).page, visit(urls["result"]).page
    before = total(screen)
    page.evaluate(LOSE_TWO_ANSWERS)
    page.locator("button[value=a]").click()
    expect(page.locator("form")).to_have_attribute("data-state", "retrying")
    expect(page.locator("form")).to_have_attribute("data-state", "recorded", timeout=20_000)
    assert page.evaluate("lost") == [200, 200]
    expect(screen.locator("#total")).to_have_text(f"{before + 1:,}")
    load(page)
    assert chosen(page) == ["a"]
    assert total(screen) == before + 1


def test_who_cleared_the_cookies_is_told_to_load_the_page_and_votes_once(
    visit: Open, urls: dict[str, str]
) -> None:
    opened, screen = visit(urls["vote"]), visit(urls["result"]).page
    page, before = opened.page, total(screen)
    page.evaluate(LOSE_TWO_ANSWERS)
    opened.context.clear_cookies()
    page.locator("button[value=a]").click()
    expect(page.locator("form")).to_have_attribute("data-state", "refused", timeout=20_000)
    expect(page.locator("#notice")).to_contain_text("NOT recorded. Please load this page again")
    assert chosen(page) == []
    load(page)
    vote(page, "a")
    expect(screen.locator("#total")).to_have_text(f"{before + 1:,}")
    opened.troubles.clear()  # The browser itself notes each answer that is an error.


def test_a_tab_that_goes_on_trying_gives_way_to_what_was_chosen_later(
    visit: Open, urls: dict[str, str]
) -> None:
    opened = visit(urls["vote"])
    first = opened.page
    first.route("**/", lambda route: route.abort())
    first.locator("button[value=a]").click()
    expect(first.locator("form")).to_have_attribute("data-state", "retrying")
    second = opened.context.new_page()
    load(second, urls["vote"])
    vote(second, "b")
    first.unroute_all()
    expect(first.locator("form")).to_have_attribute("data-state", "recorded", timeout=20_000)
    for page in (first, second):
        expect_chosen(page, "b")
        load(page)
        expect_chosen(page, "b")
    opened.troubles.clear()


def test_other_tabs_show_the_newest_vote(visit: Open, urls: dict[str, str]) -> None:
    opened = visit(urls["vote"])
    vote(opened.page, "a")
    second = opened.context.new_page()
    load(second, urls["vote"])
    vote(second, "b")
    expect(opened.page.locator("button[value=b]")).to_have_attribute("aria-pressed", "true")


def test_keyboard_only(visit: Open, urls: dict[str, str]) -> None:
    page = visit(urls["vote"]).page
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("button[value=b]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("form")).to_have_attribute("data-state", "recorded")
    assert chosen(page) == ["b"]


def test_in_french(visit: Open, urls: dict[str, str]) -> None:
    page = visit(urls["vote"], locale="fr-CA").page
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.locator("button[value=a]").click()
    expect(page.locator("#notice")).to_contain_text("est enregistré")


# Where the pages are makes no difference to that.
@pytest.mark.parametrize("routing", ["host"], indirect=True)
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_everyone_can_use_it(visit: Open, urls: dict[str, str], color_scheme: str) -> None:
    opened = visit(urls["vote"], color_scheme=color_scheme)
    assert opened.accessibility() == ""
    vote(opened.page, "a")
    assert opened.accessibility() == ""


def test_it_is_light(visit: Open, urls: dict[str, str]) -> None:
    assert 2 < visit(urls["vote"]).kilobytes() < MOST_KILOBYTES


def test_it_fits_a_phone(visit: Open, urls: dict[str, str]) -> None:
    assert not visit(urls["vote"], viewport={"width": 320, "height": 640}).overflows()
