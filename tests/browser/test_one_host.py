"""Both pages on one host: each has its path, and what belongs to it stays there."""

from urllib.parse import urljoin

import pytest
from playwright.sync_api import BrowserContext, expect

from browser.conftest import Open
from browser.voting import total, vote
from kit.chromium import load

pytestmark = pytest.mark.parametrize("routing", ["path"], indirect=True)


def kept(context: BrowserContext) -> set[tuple[str, str]]:
    """Return the cookies that a browser has, each with its path."""
    return {(str(cookie["name"]), str(cookie["path"])) for cookie in context.cookies()}


@pytest.mark.parametrize(
    ("path", "page"), [("/", "vote"), ("/vote", "vote"), ("/result", "result"), ("/?from=mail", "vote")]
)
def test_the_host_leads_to_the_pages(visit: Open, urls: dict[str, str], path: str, page: str) -> None:
    opened = visit(urljoin(urls["vote"], path))
    assert opened.page.url == urls[page] + path.lstrip("/").removeprefix(page)


def test_each_page_has_cookies_of_its_own(visit: Open, urls: dict[str, str]) -> None:
    opened = visit(urls["vote"])
    vote(opened.page, "a")
    load(opened.page, urls["result"])
    expect(opened.page.locator("#state")).to_have_attribute("data-state", "live")
    assert kept(opened.context) == {("voter_id", "/vote"), ("voted", "/vote"), ("result_replica", "/result")}


def test_who_has_a_cookie_for_the_whole_host_stays_the_same_voter(visit: Open, urls: dict[str, str]) -> None:
    opened, screen = visit(urls["vote"]), visit(urls["result"]).page
    before = total(screen)
    vote(opened.page, "a")
    cookies = [{**cookie, "path": "/"} for cookie in opened.context.cookies()]
    opened.context.clear_cookies()
    opened.context.add_cookies(cookies)  # type: ignore[arg-type]
    load(opened.page)
    expect(opened.page.locator("button[value=a]")).to_have_attribute("aria-pressed", "true")
    for key in ("b", "a", "b"):
        vote(opened.page, key)
        load(opened.page)
        expect(opened.page.locator(f"button[value={key}]")).to_have_attribute("aria-pressed", "true")
    names = {"voter_id", "voted"}
    assert kept(opened.context) == {(name, path) for name in names for path in ("/", "/vote")}
    expect(screen.locator("#total")).to_have_text(f"{before + 1:,}")
    assert total(screen) == before + 1
