"""What is said of a fault that failed."""

from swarm import evidence
from swarm.ledger import Ballot, Stored, judge
from swarm.outcome import Outcome


def ballot(sent: float, waited: float, problem: str = "", edge: str = "one") -> Ballot:
    return Ballot(f"v{sent}", "a", sent, sent + waited, not problem, problem, edge)


def test_one_line_for_each_run() -> None:
    outcome = Outcome("redis killed", 1, 100, 0, 0, 2, 3.3, 0.5, 13.0, passed=False)
    assert evidence.line(outcome) == (
        "FAIL redis killed: 100 acknowledged, lost 0, doubled 0, refused 2; "
        "no acknowledgement 3.3 s, results still 0.5 s, full strength after 13.0 s"
    )


def test_the_timeline_counts_from_the_fault() -> None:
    assert evidence.timeline([(10.0, "kill"), (12.5, "start")], 10.0) == [
        "     0.0 s  kill",
        "     2.5 s  start",
    ]


def test_only_long_gaps_are_told() -> None:
    found = evidence.gaps([9, 11, 14, 14.5], "nothing", since=10, longer_than=1)
    assert found == [(11, "nothing for 3.0 s from here")]


def test_refusals_are_grouped_by_what_the_voter_met() -> None:
    ballots = [
        ballot(5, 1, "HTTP 503"),
        ballot(11, 0),
        ballot(12, 1, "HTTP 503"),
        ballot(15, 3, "HTTP 503"),
        ballot(16, 0.5, "no edge", edge=""),
    ]
    assert evidence.refused(ballots, 10) == [
        "2 times HTTP 503 at one, sent 2.0 to 5.0 s, waited 1.0 to 3.0 s",
        "1 times no edge at no edge, sent 6.0 to 6.0 s, waited 0.5 to 0.5 s",
    ]


def test_a_vote_that_is_gone_is_told_with_its_history() -> None:
    ballots = [ballot(11, 0.5), ballot(12, 0.5)]
    verdict = judge(ballots, Stored({"v12": "a"}, {"a": 1}, {"a": 1}))
    assert evidence.broken(verdict, ballots, 10)[1:] == [
        "     1.0 s to 1.5 s  v11 chose a at one: acknowledged"
    ]
