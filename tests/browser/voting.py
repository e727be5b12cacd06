"""What a voter does on the page, and what a viewer reads."""

from playwright.sync_api import Page, expect


def vote(page: Page, key: str) -> None:
    """Vote, and wait until the page says that it is recorded."""
    page.locator(f"button[value={key}]").click()
    expect(page.locator("form")).to_have_attribute("data-state", "recorded")
    expect(page.locator("#notice")).to_contain_text("is recorded")


def total(page: Page) -> int:
    """Return how many votes there are, as the result page's file says it."""
    return int(page.evaluate("fetch('results.json').then((answer) => answer.json())")["total"])
