"""A poll is closed, archived and followed by the next, while people vote: on the stack that is up."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect

from deployment.configuration.layout import ROOT, STACK
from deployment.configuration.settings import Settings
from deployment.operations.votes import seed
from kit.chromium import Visit, chromium, load
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from seed.door import Door
from swarm.newcomers import Crowd, counted

STORED_SECONDS = 30


@pytest.fixture(scope="module")
def local(pytestconfig: pytest.Config) -> LocalStack:
    """The stack that is up here, whose votes may be deleted."""
    if not (pytestconfig.getoption("delete_votes") or os.environ.get("CI")):
        pytest.skip("it deletes the votes of the stack that is up here; --delete-votes allows that")
    found = running()
    way = seed.entrance(found.client)
    if way is None or way.public:
        pytest.skip("the votes of strangers are here")
    return found


@pytest.fixture
def doors(local: LocalStack) -> tuple[Door, Door]:
    way = seed.entrance(local.client)
    assert way
    return seed.doors(way, seed.edge(local.client, way))


@pytest.fixture
def folder(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    return Path(pytestconfig.getoption("screenshots") or tmp_path)


@pytest.fixture
def visits(playwright: Playwright, chosen: Settings) -> Iterator[dict[str, Visit]]:
    """Both pages, open in a browser."""
    with chromium(playwright, dict.fromkeys(chosen.hosts, "127.0.0.1")) as browser:
        size = {"viewport": {"width": 1100, "height": 720}}
        open_now = {name: Visit(browser, size) for name in chosen.urls}
        for name, url in chosen.urls.items():
            load(open_now[name].page, url)
        yield open_now
        for visit in open_now.values():
            visit.close()


def test_a_poll_ends_and_the_next_begins_at_zero_while_people_vote(
    local: LocalStack, doors: Sequence[Door], visits: dict[str, Visit], folder: Path
) -> None:
    vote, result = doors
    number = present(local)
    assert verb("poll", "archive").returncode == 1  # it is open
    before = Counter(local.status()["votes"]["tally"])
    with Crowd(vote) as crowd:
        crowd.wait_for(200)
        closing = start("poll", "close")
        crowd.wait_for(403)
        # What it had acknowledged and no replica has is delivered again, although the poll is over.
        local.client.api.kill(local.container(local.status()["redis"]["primary"]))
        assert closing.wait() == 0
        local.wait_healthy()
        crowd.wait_for(403)
        look_at_the_closed_poll(visits, folder)
        assert "open poll" in verb("poll", "open", "--dry-run").stdout
        archive_for_good(doors, number)
        resetting = verb("poll", "reset", "--poll", str(number), "--confirm", STACK)
        assert resetting.returncode == 0, resetting.stderr
        # The same command after an interruption begins no second one.
        assert verb("poll", "reset", "--poll", str(number), "--confirm", STACK).returncode == 0
        crowd.wait_for(200)
        # A page of the poll before cannot vote in this one.
        assert vote.post(f"vote=a&poll={number}").status == 409
    nobody_votes_after_the_end(crowd, number)

    (kept,) = [each for each in archives() if each["number"] == number]
    archive = json.loads(kept["document"])
    votes = {option["key"]: option["votes"] for option in archive["options"]}
    assert Counter(votes) == before + counted(crowd.acknowledged(number))
    assert archive["total"] == sum(votes.values())
    assert present(local) == number + 1
    wait_until(
        lambda: Counter(local.status()["votes"]["tally"]) == counted(crowd.acknowledged(number + 1)),
        STORED_SECONDS,
        lambda: f"{local.status()['votes']}, acknowledged {counted(crowd.acknowledged(number + 1))}",
    )
    assert local.status()["queue"]["dead"] == 0
    text = result.get("archive.json").body
    assert json.loads(text) == archive
    assert kept["checksum"] == hashlib.sha256(text).hexdigest()


@pytest.mark.long
def test_a_reset_alone_closes_archives_and_begins_the_next(local: LocalStack) -> None:
    number = present(local)
    assert verb("poll", "reset", "--poll", str(number), "--confirm", STACK).returncode == 0
    assert number in [each["number"] for each in archives()]
    assert present(local) == number + 1


def start(*words: str) -> subprocess.Popen[bytes]:
    """Begin a verb of this checkout."""
    return subprocess.Popen([sys.executable, "deploy.py", *words], cwd=ROOT, stdin=subprocess.DEVNULL)


def look_at_the_closed_poll(visits: dict[str, Visit], folder: Path) -> None:
    """Be sure that both pages say so, and take their pictures."""
    vote, result = visits["vote"].page, visits["result"].page
    expect(result.locator("#poll")).to_have_text("Voting has ended. Final result.")
    load(vote)
    expect(vote.locator("#notice")).to_contain_text("Voting has ended.")
    expect(vote.locator("button[value=a]")).to_be_disabled()
    vote.screenshot(path=folder / "vote-closed.png", animations="disabled")
    result.screenshot(path=folder / "result-final.png", animations="disabled")
    assert visits["vote"].troubles == visits["result"].troubles == []


def archive_for_good(doors: Sequence[Door], number: int) -> None:
    """Archive a poll that is over; its checksum is on the page, and nobody can open it again."""
    vote, result = doors
    printed = verb("poll", "archive")
    checksum = hashlib.sha256(printed.stdout.encode()).hexdigest()
    assert checksum in printed.stderr
    again = verb("poll", "archive", "--poll", str(number))
    assert again.stdout == printed.stdout
    page = wait_until(lambda: found if checksum in (found := result.get("").body.decode()) else None)
    assert "Final result" in page
    refused = verb("poll", "open")
    assert refused.returncode == 1
    assert "kept for good" in refused.stderr
    assert vote.post("vote=a").status == 403


def nobody_votes_after_the_end(crowd: Crowd, number: int) -> None:
    """All replicas agree: whoever came after the first refusal was refused, until the next poll began."""
    first = min(one.answered for one in crowd.told if one.status == 403)
    assert [one for one in crowd.acknowledged(number) if one.sent > first] == []
    assert {one.status for one in crowd.told} <= {200, 403, 503}


def present(local: LocalStack) -> int:
    """Return the number of the poll that there is."""
    return int(wait_until(lambda: local.status()["poll"])["number"])


def archives() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(verb("poll", "status", "--json").stdout)["archives"]
    return found
