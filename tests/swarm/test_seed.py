"""Thousands of new voters, through the edge of the stack that is up: by `deploy.py seed`, and by ab."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deployment.configuration.settings import Settings
from deployment.operations.votes import seed
from kit.images import absent
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until

AT_ONCE = 50
STORED_SECONDS = 60
ROUNDS = 200
REFUSED = re.compile(r"^Non-2xx responses: +(\d+)$", re.MULTILINE)
COMPLETE = re.compile(r"^Complete requests: +(\d+)$", re.MULTILINE)


@pytest.fixture
def local() -> LocalStack:
    """The stack that is up here, unless strangers vote there."""
    found = running()
    way = seed.entrance(found.client)
    if way is None or way.public:
        pytest.skip("made-up votes would count among those of strangers")
    found.wait_stored()
    return found


def tally(local: LocalStack) -> Counter[str]:
    """Return how many votes each option has, once none waits to be stored."""

    def settled() -> dict[str, Any] | None:
        now = local.status()
        return now if now["queue"]["pending"] == 0 else None

    return Counter(wait_until(settled, STORED_SECONDS)["votes"]["tally"])


def wait_for(local: LocalStack, expected: Counter[str]) -> None:
    wait_until(lambda: tally(local) == expected, STORED_SECONDS, lambda: f"{tally(local)}, not {expected}")


def test_plain_ab_can_vote_and_each_post_without_a_cookie_is_one_vote(
    local: LocalStack, chosen: Settings, tmp_path: Path
) -> None:
    if not shutil.which("ab"):
        absent("no ab on this machine: apt-get install apache2-utils")
    before = tally(local)
    for choice in ("a", "b", "a"):
        ab(chosen, tmp_path, choice, 1000)
    wait_for(local, before + Counter(a=2000, b=1000))


def ab(chosen: Settings, folder: Path, choice: str, votes: int) -> None:
    """Send so many votes, 50 at a time; once more those that exceed what one address may send."""
    form, page = folder / "form", urlsplit(chosen.urls["vote"])
    form.write_text(f"vote={choice}")
    for _ in range(ROUNDS):
        command = ["ab", "-q", "-n", str(votes), "-c", str(min(AT_ONCE, votes)), "-p", str(form)]
        command += ["-T", "application/x-www-form-urlencoded", "-H", f"Host: {page.netloc}"]
        url = f"https://127.0.0.1:{chosen.https_port}{page.path}"
        said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
        complete, refused = COMPLETE.search(said), REFUSED.search(said)
        assert complete, said
        assert int(complete[1]) == votes, said
        if refused is None:
            return
        votes = int(refused[1])
    pytest.fail(f"{votes} votes were refused {ROUNDS} times")


def test_a_seed_says_what_it_stored(local: LocalStack) -> None:
    before = tally(local)
    done = verb("seed", "--votes", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("300 of 300 votes acknowledged")
    for key, number in {"a": 200, "b": 100}.items():
        added = f"{number} acknowledged, {before[key]:,} stored before, {before[key] + number:,} now"
        assert added in done.stdout
    wait_for(local, before + Counter(a=200, b=100))
