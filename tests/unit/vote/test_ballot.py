from __future__ import annotations

import json

import pytest

from vote.ballot import Ballot, OnScreen, VersionClock, entries, version_of


@pytest.mark.parametrize(
    ("clock", "versions"),
    [
        ([5, 6, 9], [5, 6, 9]),
        ([5, 5, 5], [5, 6, 7]),
        ([9, 3, 4], [9, 10, 11]),
        ([5, 5, 20], [5, 6, 20]),
    ],
    ids=["runs", "stands", "falls", "goes on"],
)
def test_versions_always_rise(clock: list[int], versions: list[int]) -> None:
    times = iter(clock)
    source = VersionClock(lambda: next(times))
    assert [source.next() for _ in versions] == versions


def test_a_ballot_alone_has_a_field_for_each_of_its_parts() -> None:
    assert list(entries([Ballot("v", "a", 7)])) == [("id", "v", "vote", "a", "version", "7")]


@pytest.mark.parametrize(
    ("count", "shares"), [(0, []), (2, [2]), (16, [16]), (17, [16, 1]), (35, [16, 16, 3])]
)
def test_ballots_that_come_together_share_entries(count: int, shares: list[int]) -> None:
    ballots = [Ballot(f"v{number}", "a", number) for number in range(count)]
    made = list(entries(ballots))
    together = [json.loads(entry[1]) for entry in made if entry[0] == "votes"]
    alone = [[[entry[1], entry[3], int(entry[5])]] for entry in made if entry[0] == "id"]
    assert [len(share) for share in [*together, *alone]] == shares
    assert [Ballot(*part) for share in [*together, *alone] for part in share] == ballots


def test_ballots_of_a_later_poll_name_it_and_share_entries_with_no_other() -> None:
    polls = [1, 1, 2, 2, 2, 1]
    made = list(entries([Ballot(f"v{n}", "a", n, poll) for n, poll in enumerate(polls)]))
    assert [entry[2:] for entry in made[:2]] == [(), ("poll", "2")]
    assert [len(json.loads(entry[1])) for entry in made[:2]] == [2, 3]
    assert made[2:] == [("id", "v5", "vote", "a", "version", "5")]
    assert list(entries([Ballot("v", "a", 7, 3)])) == [("id", "v", "vote", "a", "version", "7", "poll", "3")]


@pytest.mark.parametrize(
    ("arrived", "seen", "told", "version"),
    [
        (500, 0, None, 500),
        (500, 400, None, 500),
        (500, 700, None, 701),
        (500, 400, (410, 40), 450),
        (500, 400, (410, 90), 500),
        (500, 400, (300, 50), 451),
        (500, 700, (450, 50), 751),
        (500, 400, (900, 50), 950),
        (500, 90_000, (90_001, 70), 90_071),
        (500, 400, (500, 60_001), 500),
        (500, 90_000, (90_001, 60_501), 90_001),
    ],
    ids=[
        "first, by hand", "by hand", "by hand, this clock is behind the last one's",
        "late on its way", "at once",
        "a page from before the last vote", "this clock is behind the last one's",
        "a page from a clock that is ahead", "a page that is as far ahead as what was seen", "nonsense",
        "nonsense, too",
    ],
)  # fmt: skip
def test_the_version_is_when_the_voter_chose_and_after_what_was_seen(
    arrived: int, seen: int, told: tuple[int, int] | None, version: int
) -> None:
    assert version_of(arrived, seen, OnScreen(*told) if told else None) == version


def test_of_two_votes_from_one_page_the_later_is_higher_whatever_the_clocks() -> None:
    for arrived in (100, 5_000):
        for seen in (0, 700, 90_000):
            for served in (1_000, seen + 1):
                first = version_of(arrived, seen, OnScreen(served, 10))
                assert version_of(arrived, seen, OnScreen(served, 20)) > first
