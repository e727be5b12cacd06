"""The judge must see a lost, a stale and a doubled vote, and must not cry wolf."""

from collections import Counter
from dataclasses import replace

import pytest

from swarm.ledger import NOBODY, Ballot, Ledger, Stored, judge


def ballot(voter: str, choice: str, at: float, *, acknowledged: bool = True) -> Ballot:
    return Ballot(voter, choice, at, at + 0.1, acknowledged)


def stored(rows: dict[str, str], tally: dict[str, int] | None = None) -> Stored:
    counted = Counter(rows.values())
    return Stored(rows, counted, counted if tally is None else tally)


HISTORY = [ballot("x", "a", 1), ballot("x", "b", 2), ballot("y", "a", 1)]


@pytest.mark.parametrize(
    ("ballots", "rows", "tally"),
    [
        pytest.param(HISTORY, {"x": "b", "y": "a"}, {"a": 1, "b": 1}, id="as promised"),
        pytest.param(
            [*HISTORY, ballot("x", "a", 3, acknowledged=False)],
            {"x": "b", "y": "a"},
            {"a": 1, "b": 1},
            id="a later refused vote was not recorded",
        ),
        pytest.param(
            [*HISTORY, ballot("x", "a", 3, acknowledged=False)],
            {"x": "a", "y": "a"},
            {"a": 2, "b": 0},
            id="a later unanswered vote was recorded",
        ),
        pytest.param(
            [ballot("z", "a", 1, acknowledged=False)], {}, {}, id="never acknowledged, never recorded"
        ),
        pytest.param(HISTORY, {"x": "b", "y": "a", "other": "a"}, {"a": 2, "b": 1}, id="other voters' rows"),
    ],
)
def test_kept(ballots: list[Ballot], rows: dict[str, str], tally: dict[str, int]) -> None:
    assert judge(ballots, stored(rows, tally)).kept


def test_a_lost_vote_is_found() -> None:
    verdict = judge(HISTORY, stored({"x": "b"}))
    assert (verdict.lost, verdict.stale, verdict.losses, verdict.kept) == (("y",), (), 1, False)


def test_a_stale_vote_is_found() -> None:
    verdict = judge(HISTORY, stored({"x": "a", "y": "a"}))
    assert (verdict.lost, verdict.stale, verdict.losses, verdict.kept) == ((), ("x",), 1, False)


def test_a_stale_vote_for_the_same_option_is_found() -> None:
    """Who votes a, b, a is owed the second a."""
    ballots = [Ballot("x", choice, at, at, True, version=at) for at, choice in enumerate("aba", 1)]
    rows = stored({"x": "a"})
    assert judge(ballots, replace(rows, versions={"x": 3})).kept
    assert judge(ballots, replace(rows, versions={"x": 1})).stale == ("x",)


def leaver(first: tuple[float, int], second: tuple[float, int]) -> list[Ballot]:
    """Return a vote for a at 1 s and one for b at 2 s: each one's answer, and version or 0 if refused."""
    return [
        Ballot("x", choice, sent, answered, version > 0, version=version)
        for choice, sent, (answered, version) in (("a", 1, first), ("b", 2, second))
    ]


@pytest.mark.parametrize(
    ("ballots", "kept", "stale"),
    [
        pytest.param(leaver((1.5, 10), (2.5, 20)), "b20", ["a10", "a30", "b19"], id="one after the other"),
        pytest.param(leaver((3.5, 10), (2.5, 20)), "b20", ["a10"], id="the second answered first"),
        pytest.param(leaver((2.5, 10), (3.5, 20)), "b20", ["a10"], id="both on their way"),
        pytest.param(leaver((3.5, 20), (2.5, 10)), "", ["a20", "b10"], id="the first above the second"),
        pytest.param(leaver((16, 0), (2.5, 20)), "b20", ["a10", "a30"], id="the first given up"),
        pytest.param(leaver((1.5, 10), (17, 0)), "a10 b20", ["a9"], id="the second given up"),
        pytest.param(leaver((18, 10), (17, 0)), "a10 b20", ["a9"], id="the second given up first"),
        pytest.param(leaver((1.5, 20), (2.5, 10)), "", ["a20", "b10"], id="below what it knew of"),
    ],
)  # fmt: skip
def test_leavers(ballots: list[Ballot], kept: str, stale: list[str]) -> None:
    for row in [*kept.split(), *stale]:
        found = replace(stored({"x": row[0]}), versions={"x": int(row[1:])})
        assert (row, judge(ballots, found).stale) == (row, ("x",) if row in stale else ())
        assert judge(ballots[::-1], found) == judge(ballots, found)


@pytest.mark.parametrize(
    ("tally", "difference"),
    [({"a": 2, "b": 1}, {"a": 1}), ({"a": 1}, {"b": -1}), ({"a": 1, "b": 1, "c": 1}, {"c": 1})],
)
def test_a_doubled_vote_is_found(tally: dict[str, int], difference: dict[str, int]) -> None:
    verdict = judge(HISTORY, stored({"x": "b", "y": "a"}, tally))
    assert (verdict.miscounted, verdict.doubled, verdict.kept) == (difference, 1, False)


def test_rows_that_no_voter_explains_are_votes_that_count_twice() -> None:
    ledger = Ledger([*HISTORY, ballot("nobody at 3", "a", 3, acknowledged=False)], rows=0)
    rows = {"x": "b", "y": "a", "unanswered": "a"}
    assert ledger.close(ledger.unjudged(), stored(rows)).kept
    verdict = ledger.close(ledger.unjudged(), stored(rows | {"again": "a"}))
    assert (verdict.uninvited, verdict.kept) == (1, False)


def test_who_saw_no_page_explains_no_row() -> None:
    ledger = Ledger([*HISTORY, ballot(NOBODY, "", 3, acknowledged=False)], rows=0)
    assert ledger.close(ledger.unjudged(), stored({"x": "b", "y": "a", "again": "a"})).uninvited == 1


def test_a_vote_of_an_earlier_fault_that_is_gone_shows_in_the_number_of_rows() -> None:
    ballots = list(HISTORY)
    ledger = Ledger(ballots, rows=3)
    others = {"1": "a", "2": "a", "3": "b"}
    assert ledger.close(ledger.unjudged(), stored(others | {"x": "b", "y": "a"})).kept
    ballots.append(ballot("z", "a", 5))
    assert [each.voter for each in ledger.unjudged()] == ["z"]
    verdict = ledger.close(ledger.unjudged(), stored(others | {"x": "b", "z": "a"}))
    assert (verdict.lost, verdict.missing, verdict.losses, verdict.kept) == ((), 1, 1, False)


class Session:
    """Runs of strangers, one after another: so many acknowledged, refused, and rows that came."""

    def __init__(self) -> None:
        self.ballots: list[Ballot] = []
        self.ledger = Ledger(self.ballots, rows=10)
        self.total = 10

    def run(self, acknowledged: int, refused: int, came: int) -> tuple[int, int]:
        """Return rows missing and rows of nobody."""
        at = len(self.ballots)
        self.ballots += [ballot(f"v{at + n}", "a", at + n) for n in range(acknowledged)]
        at += acknowledged
        self.ballots += [
            ballot(f"nobody at {at + n}", "a", at + n, acknowledged=False) for n in range(refused)
        ]
        self.total += came
        verdict = self.ledger.close([], Stored({}, {"a": self.total}, {"a": self.total}))
        return verdict.missing, verdict.uninvited


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        pytest.param([(5, 3, 5)], (0, 0), id="refused, not stored"),
        pytest.param([(5, 3, 8)], (0, 0), id="refused, stored all the same"),
        pytest.param([(5, 3, 9)], (0, 1), id="one counted twice, or nobody's"),
        pytest.param([(5, 3, 4)], (1, 0), id="one lost"),
        pytest.param([(5, 3, 5), (5, 0, 8)], (0, 0), id="delivered after the run it was given up in"),
        pytest.param([(5, 3, 5), (5, 0, 9)], (0, 1), id="more than were given up"),
        pytest.param([(5, 3, 7), (5, 0, 7)], (0, 1), id="those that were stored already do not come again"),
        pytest.param([(5, 3, 5), (5, 0, 5), (5, 0, 6)], (0, 1), id="a double count after earlier refusals"),
        pytest.param([(5, 3, 8), (5, 0, 4)], (1, 0), id="a loss after refused votes were stored"),
        pytest.param([(5, 0, 6), (5, 0, 5)], (0, 0), id="a double count is told once"),
        pytest.param([(5, 0, 4), (5, 0, 5)], (0, 0), id="a loss is told once"),
        pytest.param([(5, 0, 4), (5, 0, 6)], (0, 0), id="what was missing came late"),
    ],
)
def test_rows_that_come_are_counted_run_by_run(
    runs: list[tuple[int, int, int]], found: tuple[int, int]
) -> None:
    session = Session()
    assert [session.run(*run) for run in runs][-1] == found


def test_a_voter_who_was_refused_first_may_have_a_row_already() -> None:
    ballots = [ballot("x", "a", 1, acknowledged=False)]
    ledger = Ledger(ballots, rows=0)
    assert ledger.close([], stored({"x": "a"})).kept
    ballots.append(ballot("x", "b", 2))
    assert ledger.close(ledger.unjudged(), stored({"x": "b"})).kept


def test_everything_can_be_judged_again() -> None:
    ledger = Ledger(HISTORY, rows=0)
    ledger.close(ledger.unjudged(), stored({"x": "b", "y": "a"}))
    assert ledger.close(HISTORY, stored({"x": "b"})).lost == ("y",)
