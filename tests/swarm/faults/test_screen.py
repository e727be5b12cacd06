"""A result page on a screen, open all the time, while one after the other dies what it lives from."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from deployment.configuration.settings import Settings
from kit.chromium import Visit, chromium, load
from kit.waiting import wait_until
from swarm.containers import Container
from swarm.stage import Stage

WATCH = """
window.totals = [];
window.states = [];
const total = document.getElementById("total");
const state = document.getElementById("state");
const look = () => {
  totals.push(Number(total.textContent.replace(/[^0-9]/g, "")));
  states.push(state.dataset.state);
};
new MutationObserver(look).observe(document.querySelector("main"), {
  attributes: true, characterData: true, childList: true, subtree: true,
});
look();
"""
MOVES_SECONDS = 60


@pytest.fixture
def screen(stage: Stage, chosen: Settings, playwright: Playwright) -> Iterator[Visit]:
    """Open the result through the edge of the first node, while people vote."""
    stage.cluster.wait_healthy()
    with chromium(playwright, {chosen.result_host: stage.cluster.lab.nodes[0].address}) as browser:
        visit = Visit(browser, {})
        load(visit.page, chosen.urls["result"])
        visit.page.evaluate(WATCH)
        stage.voters.go()
        yield visit
        stage.voters.pause()
        visit.close()


def victim(name: str, stage: Stage, screen: Visit) -> Container:
    """Return the container that shows this very page, or that of a primary."""
    if name == "result":
        shown = screen.page.locator("#container").text_content() or "?"
        return next(c for c in stage.cluster.containers("result") if c.id.startswith(shown))
    return stage.cluster.container(stage.cluster.primary(name))


def moves(screen: Visit) -> bool:
    """Whether the total on the screen has grown since the last look, and is called live."""
    page = screen.page
    before = page.evaluate("totals.at(-1)")
    page.wait_for_timeout(500)
    return bool(page.evaluate("totals.at(-1)") > before) and bool(
        page.evaluate("state.dataset.state") == "live"
    )


def test_the_screen_follows_through_every_death_and_never_counts_back(stage: Stage, screen: Visit) -> None:
    for name in ("result", "redis", "postgres"):
        wait_until(lambda: moves(screen), MOVES_SECONDS, lambda: "the total stands still")
        stage.cluster.kill(victim(name, stage, screen))
        wait_until(lambda: moves(screen), MOVES_SECONDS, lambda: "no move since")
        stage.cluster.wait_healthy()
        # Once more: right after the death the last commits were still on their way.
        wait_until(lambda: moves(screen), MOVES_SECONDS, lambda: "no move at full strength")
    totals = screen.page.evaluate("totals")
    assert totals == sorted(totals)
    assert {"reconnecting", "live"} <= set(screen.page.evaluate("states"))
    stage.voters.pause()  # while votes come in, a queue need never be seen empty
    stage.cluster.drain()
