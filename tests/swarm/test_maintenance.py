"""Voting is paused and goes on, while people vote and Redis fails over: on the stack that is up."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from deployment.configuration.settings import Settings
from deployment.operations.votes import seed
from kit.chromium import Visit, chromium, load
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from seed.door import Door
from swarm.newcomers import Crowd, counted

STORED_SECONDS = 30
FAILOVER_SECONDS = 60
RETRIED_MILLISECONDS = 30_000
SIZE = {"viewport": {"width": 1100, "height": 720}}


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


@pytest.fixture
def door(local: LocalStack) -> Door:
    way = seed.entrance(local.client)
    if way is None or way.public:
        pytest.skip("the votes of strangers are here")
    return seed.doors(way, seed.edge(local.client, way))[0]


@pytest.fixture
def visits(playwright: Playwright, chosen: Settings) -> Iterator[dict[str, Visit]]:
    """Both pages, open in a browser."""
    with chromium(playwright, dict.fromkeys(chosen.hosts, "127.0.0.1")) as browser:
        open_now = {name: Visit(browser, SIZE) for name in chosen.urls}
        for name, url in chosen.urls.items():
            load(open_now[name].page, url)
        yield open_now
        for visit in open_now.values():
            visit.close()


@pytest.fixture(autouse=True)
def _open_again() -> Iterator[None]:
    yield
    verb("maintenance", "off")


def test_while_voting_is_paused_nobody_is_told_that_a_vote_is_recorded(
    local: LocalStack, door: Door, visits: dict[str, Visit], pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    folder = Path(pytestconfig.getoption("screenshots") or tmp_path)
    local.wait_healthy()
    number, before = local.status()["poll"]["number"], Counter(local.status()["votes"]["tally"])
    with Crowd(door) as crowd:
        crowd.wait_for(200)
        paused = verb("maintenance", "on", "--message", "new disks")
        assert (paused.returncode, "Not seen yet" in paused.stderr) == (0, False), paused.stderr
        crowd.wait_for(503)
        assert verb("maintenance", "on").returncode == 0
        look(visits, folder)
        fail_over(local)
        crowd.wait_for(503)
        acknowledged = before + counted(crowd.acknowledged(number))
        wait_until(lambda: Counter(local.status()["votes"]["tally"]) == acknowledged, STORED_SECONDS)
        said = verb("status")
        assert said.returncode == 1
        assert "maintenance since" in said.stdout
        assert "new disks" in said.stdout
        assert nobody_was_told_it(crowd)
        resumed = verb("maintenance", "off")
        assert resumed.returncode == 0, resumed.stderr
        crowd.wait_for(200)
        # The page that was open all the time has sent its vote again by itself.
        expect(visits["vote"].page.locator("#notice")).to_contain_text(
            "is recorded", timeout=RETRIED_MILLISECONDS
        )
    acknowledged = before + counted(crowd.acknowledged(number)) + Counter("a")
    wait_until(lambda: Counter(local.status()["votes"]["tally"]) == acknowledged, STORED_SECONDS)
    expect(visits["result"].page.locator("#poll")).not_to_contain_text("paused", timeout=RETRIED_MILLISECONDS)
    assert {one.status for one in crowd.told} <= {200, 503}
    assert local.status()["queue"]["dead"] == 0
    local.wait_healthy()


def look(visits: dict[str, Visit], folder: Path) -> None:
    """Be sure that voters and viewers are told, and take pictures."""
    vote, result = visits["vote"].page, visits["result"].page
    vote.locator("button[value=a]").click()
    expect(vote.locator("#notice")).to_contain_text("NOT recorded yet")
    expect(vote.locator("#notice")).to_contain_text("Voting is paused")
    vote.screenshot(path=folder / "vote-waits.png", animations="disabled")
    newcomer = visits["vote"].context.new_page()
    answer = load(newcomer, vote.url)
    assert answer is not None
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    expect(newcomer.locator("main")).to_contain_text("Voting is paused")
    newcomer.screenshot(path=folder / "vote-paused.png", animations="disabled")
    newcomer.close()
    expect(result.locator("#poll")).to_have_text("Voting is paused.", timeout=RETRIED_MILLISECONDS)
    result.screenshot(path=folder / "result-paused.png", animations="disabled")


def fail_over(local: LocalStack) -> None:
    """Kill the primary of the queue, and wait until another one says what the intake is."""
    old = local.status()["redis"]["primary"]
    local.client.api.kill(local.container(old))
    wait_until(lambda: local.status()["redis"]["primary"] not in (None, old), FAILOVER_SECONDS)
    wait_until(lambda: local.status()["queue"]["intake"] == "maintenance", FAILOVER_SECONDS)


def nobody_was_told_it(crowd: Crowd) -> bool:
    """Say whether nobody whose vote came after the first refusal was told that it is recorded."""
    told = list(crowd.told)
    first = min(one.answered for one in told if one.status == 503)
    return not [one for one in told if one.status == 200 and one.sent > first]
