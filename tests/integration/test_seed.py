"""A seeding against the real services: what it calls acknowledged is in the tally, and nothing more."""

import signal
import subprocess
import sys
import threading

import pytest

from deployment.configuration.layout import ROOT
from integration.conftest import Database, Start, Trio
from kit.services import Service, free_port
from kit.waiting import wait_until
from seed import seeding, voters
from seed.door import Door

VOTES = 600


@pytest.fixture
def result(start: Start, trio: Trio, database: Database) -> Service:
    """Everything behind the vote page, up to the page that shows the tally."""
    database.proxy.switch(database.container.address)
    start("worker", redis_port=trio.proxy.port, database_port=database.proxy.port)
    page = start("result", database_port=database.proxy.port)
    page.wait_ready()
    return page


def door(service: Service) -> Door:
    return Door(f"{service.url}/")


def test_a_limit_of_new_voters_delays_a_seeding_and_all_of_it_is_stored(
    start: Start, trio: Trio, result: Service, database: Database
) -> None:
    vote = start("vote", redis_port=trio.proxy.port, new_voters_per_second=30, new_voters_burst=300)
    vote.wait_ready()
    report = seeding.run(door(vote), door(result), VOTES, None, lambda _: None)
    assert report.exit_code == 0, report.lines()
    assert report.count.put_off > 0
    assert report.now.votes == database.tally() == {"a": 400, "b": 200}


def test_a_replica_that_dies_leaves_votes_unknown_and_none_is_doubled(
    start: Start, trio: Trio, result: Service, database: Database
) -> None:
    port = free_port()
    vote = start("vote", redis_port=trio.proxy.port, port=port)
    vote.wait_ready()

    def kill_and_start() -> None:
        wait_until(lambda: database.stored() > VOTES // 6, 60)
        vote.kill()
        start("vote", redis_port=trio.proxy.port, port=port)

    killer = threading.Thread(target=kill_and_start)
    killer.start()
    report = seeding.run(door(vote), door(result), VOTES, 50, lambda _: None)
    killer.join()
    known, unknown = report.acknowledged, report.count.unknown.total()
    assert report.count.put_off > 0  # nobody was there for a while, so nothing was sent
    assert known + unknown == VOTES
    assert report.missing == {}
    assert known <= database.stored() <= VOTES


def test_as_a_program_of_its_own_it_says_what_it_stored_and_heeds_an_interrupt(
    start: Start, trio: Trio, result: Service
) -> None:
    vote = start("vote", redis_port=trio.proxy.port)
    vote.wait_ready()
    whole = run(vote, result, "--votes", "60")
    said, _ = whole.communicate(timeout=60)
    assert whole.returncode == 0
    assert said.splitlines()[1:] == [
        "  Cats: 40 acknowledged, 0 stored before, 40 now",
        "  Dogs: 20 acknowledged, 0 stored before, 20 now",
    ]
    cut = run(vote, result, "--votes", "5000", "--rate", "50")
    assert cut.stderr
    wait_until(lambda: " of 5,000" in str(cut.stderr and cut.stderr.readline()), 30)
    cut.send_signal(signal.SIGINT)
    said, _ = cut.communicate(timeout=voters.PATIENCE_SECONDS)
    assert cut.returncode == 130
    assert said.splitlines()[-1] == "Interrupted."


def run(vote: Service, result: Service, *options: str) -> subprocess.Popen[str]:
    """Start it with nothing but Python (-S: no packages) and its own folder, as a container would."""
    command = [sys.executable, "-S", "-m", "seed", f"{vote.url}/", f"{result.url}/", *options]
    return subprocess.Popen(
        command, cwd=ROOT / "stack", env={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
