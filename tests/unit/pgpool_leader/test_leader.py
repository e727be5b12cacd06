import pytest

from pgpool_leader.leader import Action, Backend, NodeReport, Situation, agreed_leader, decide, is_missed

OLD = Backend("postgres-1", "10.0.0.1")
MOVED = Backend("postgres-1", "10.0.0.9")
NEW = Backend("postgres-2", "10.0.0.2")


def says(leader: int | None, open: bool = False) -> NodeReport:  # noqa: A002
    return NodeReport(f"postgres-{leader}" if leader else None, open)


@pytest.mark.parametrize(
    ("case", "reports", "expected"),
    [
        ("all agree", (says(1, True), says(1), says(1)), "postgres-1"),
        ("two agree, one silent", (says(1, True), says(1), None), "postgres-1"),
        ("only the primary itself", (says(1, True), None, None), None),
        ("the primary and nobody else", (says(1, True), says(None), says(None)), None),
        ("the named one is silent", (None, says(1), says(1)), None),
        ("the named one is not open", (says(1), says(1), says(1)), None),
        ("the old one still believes", (says(1, True), says(2, True), says(2)), "postgres-2"),
        ("each names another", (says(1, True), says(2, True), says(None)), None),
        ("no leader", (says(None), says(None), says(None)), None),
        ("nobody answers", (None, None, None), None),
    ],
)
def test_a_majority_names_the_leader(
    case: str, reports: tuple[NodeReport | None, ...], expected: str | None
) -> None:
    named = {f"postgres-{number}": report for number, report in enumerate(reports, start=1)}
    assert agreed_leader(named, majority=2) == expected, case


@pytest.mark.parametrize(
    ("case", "situation", "expected"),
    [
        ("no leader yet", Situation(None, None, alive=False), Action.KEEP),
        ("the first leader", Situation(None, OLD, alive=False), Action.START),
        ("the same leader", Situation(OLD, OLD, alive=True), Action.KEEP),
        ("another leader", Situation(OLD, NEW, alive=True), Action.START),
        ("the leader has moved", Situation(OLD, MOVED, alive=True), Action.START),
        ("pgpool has died", Situation(OLD, OLD, alive=False), Action.START),
        (
            "the leader is silent for a moment",
            Situation(OLD, None, alive=True, seconds_without_leader=2.9),
            Action.KEEP,
        ),
        (
            "the leader is gone",
            Situation(OLD, None, alive=True, seconds_without_leader=3),
            Action.STOP,
        ),
        (
            "still no leader, port closed",
            Situation(None, None, alive=False, seconds_without_leader=99),
            Action.KEEP,
        ),
        ("two failed writes", Situation(OLD, OLD, alive=True, failures=2), Action.KEEP),
        ("three failed writes", Situation(OLD, OLD, alive=True, failures=3), Action.START),
        ("another password is good", Situation(OLD, OLD, alive=True, outdated=True), Action.START),
        (
            "another password is good, and nobody leads",
            Situation(OLD, None, alive=True, outdated=True),
            Action.KEEP,
        ),
        (
            "failed writes while nobody leads",
            Situation(OLD, None, alive=True, failures=9),
            Action.KEEP,
        ),
    ],
)
def test_what_becomes_of_pgpool(case: str, situation: Situation, expected: Action) -> None:
    assert decide(situation) is expected, case


@pytest.mark.parametrize(
    ("case", "wanted", "seconds", "expected"),
    [
        ("one leads", OLD, 0, False),
        ("just lost", None, 0.2, True),
        ("a slow election", None, 14, True),
        ("the database is down for good", None, 16, False),
    ],
)
def test_nodes_are_asked_more_often_only_while_a_leader_may_come_soon(
    case: str, wanted: Backend | None, seconds: float, expected: bool
) -> None:
    situation = Situation(OLD, wanted, alive=True, seconds_without_leader=seconds)
    assert is_missed(situation) is expected, case
