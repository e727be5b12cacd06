"""Which lines follow from two pictures of the stack."""

from __future__ import annotations

from typing import Any

import pytest

from observer.changes import Line, changes

NOBODY: dict[str, Any] = {"primary": None, "standbys": [], "synchronous": False}


def postgres(primary: str = "p1", standbys: tuple[str, ...] = ("p2", "p3"), **more: Any) -> dict[str, Any]:
    return {"primary": primary, "standbys": list(standbys), "synchronous": True, **more}


def redis(primary: str | None = "r1", replicas: tuple[str, ...] = ("r2", "r3")) -> dict[str, Any]:
    return {"primary": primary, "replicas": list(replicas)}


def queue(pending: int | None = 0, dead: int | None = 0, seconds: float = 0.0) -> dict[str, Any]:
    return {
        "pending": pending, "dead": dead, "oldest": None, "waiting_seconds": seconds, "intake": "open",
    }  # fmt: skip


def votes(stored: int | None = 7) -> dict[str, Any]:
    return {"stored": stored}


def accounts(lost: int) -> dict[str, Any]:
    return {"processes": [{"process": "p", "lost": lost, "numbers": [(4, 4)] * lost}]}


WELL: dict[str, Any] = {
    "at": 1.0,
    "postgres": postgres(),
    "redis": redis(),
    "queue": queue(),
    "votes": votes(),
    "accounts": None,
    "losses": {},
}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        pytest.param({"accounts": accounts(0)}, {"accounts": accounts(0)}, [], id="no vote is lost"),
        pytest.param(
            {"losses": {}},
            {"accounts": accounts(1)},
            [Line("acknowledged votes are lost: 1 of p, 4-4", bad=True)],
            id="a vote is lost",
        ),
        pytest.param({"losses": {"p": 1}}, {"accounts": None}, [], id="nobody says whether one is lost"),
        pytest.param({"losses": {"p": 1}}, {"accounts": accounts(1)}, [], id="as was known already"),
        pytest.param({}, {"at": 2.0, "votes": votes(9), "queue": queue(5)}, [], id="votes come and go"),
        pytest.param(
            {},
            {"postgres": NOBODY},
            [Line("PostgreSQL has no primary (was p1)", bad=True)],
            id="primary lost",
        ),
        pytest.param(
            {"postgres": NOBODY},
            {"postgres": postgres("p2", ("p3",))},
            [Line("PostgreSQL primary p2, standbys p3")],
            id="primary back",
        ),
        pytest.param(
            {},
            {"postgres": postgres("p2", ("p3",))},
            [Line("PostgreSQL primary p2, standbys p3 (was p1)")],
            id="primary changed",
        ),
        pytest.param(
            {},
            {"postgres": postgres("p1", ("p2",))},
            [Line("PostgreSQL standby p3 is missing, 1 left", bad=True)],
            id="a standby missing",
        ),
        pytest.param(
            {"postgres": postgres("p1", ())},
            {},
            [
                Line("PostgreSQL standby p2 is back, 2 in all"),
                Line("PostgreSQL standby p3 is back, 2 in all"),
            ],
            id="two standbys back",
        ),
        pytest.param(
            {},
            {"postgres": postgres("p1", (), synchronous=False)},
            [
                Line("PostgreSQL standby p2 is missing, 0 left", bad=True),
                Line("PostgreSQL standby p3 is missing, 0 left", bad=True),
                Line("PostgreSQL has no synchronous standby: votes wait in the queue", bad=True),
            ],
            id="no commit is safe",
        ),
        pytest.param(
            {"postgres": postgres(synchronous=False)},
            {},
            [Line("PostgreSQL has a synchronous standby again: votes are stored")],
            id="commits are safe again",
        ),
        pytest.param(
            {},
            {"redis": redis("r2", ("r3",))},
            [Line("Redis primary r2, replicas r3 (was r1)")],
            id="Redis primary changed",
        ),
        pytest.param(
            {"redis": redis(None, ())},
            {"redis": redis("r2", ())},
            [Line("Redis primary r2, replicas none")],
            id="Redis primary back alone",
        ),
        pytest.param(
            {},
            {"redis": redis("r1", ("r3",))},
            [Line("Redis replica r2 is missing, 1 left", bad=True)],
            id="a replica missing",
        ),
        pytest.param(
            {},
            {"queue": queue(dead=2)},
            [Line("dead letters: 2, 2 more", bad=True)],
            id="dead entries",
        ),
        pytest.param({"queue": queue(dead=2)}, {}, [], id="dead entries removed"),
        pytest.param(
            {},
            {"queue": queue(None, None)},
            [Line("the queue does not answer through redis-proxy", bad=True)],
            id="queue away",
        ),
        pytest.param(
            {"queue": queue(None, None)},
            {"queue": queue(3, 1)},
            [Line("the queue answers, entries queued 3")],
            id="queue back",
        ),
        pytest.param(
            {"queue": queue(4, seconds=14.5)},
            {"queue": queue(5, seconds=15.5)},
            [Line("the queue does not move: entries queued 5, the first for 16 s", bad=True)],
            id="queue stuck",
        ),
        pytest.param(
            {"queue": queue(4, seconds=16)}, {"queue": queue(5, seconds=17)}, [], id="stuck is said once"
        ),
        pytest.param(
            {"queue": queue(4, seconds=16)},
            {"queue": queue(1)},
            [Line("the queue moves again, entries queued 1")],
            id="queue moves",
        ),
        pytest.param(
            {},
            {"votes": votes(None)},
            [Line("the database does not answer through pgpool", bad=True)],
            id="database away",
        ),
        pytest.param(
            {"votes": votes(None)}, {}, [Line("the database answers, votes stored 7")], id="database back"
        ),
    ],
)
def test_changes(before: dict[str, Any], after: dict[str, Any], lines: list[Line]) -> None:
    assert changes(WELL | before, WELL | after) == lines


def test_the_first_picture_is_described() -> None:
    assert changes(None, WELL) == [
        Line(
            "PostgreSQL primary p1, standbys p2, p3; Redis primary r1, replicas r2, r3; "
            "votes stored 7, entries queued 0, dead letters 0"
        )
    ]
    blind = WELL | {"redis": redis(None, ()), "votes": votes(None)}
    assert changes(None, blind) == [
        Line(
            "PostgreSQL primary p1, standbys p2, p3; Redis has no primary; "
            "votes stored unknown, entries queued 0, dead letters 0",
            bad=True,
        )
    ]
