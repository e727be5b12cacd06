from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from observer.picture import (
    known_losses,
    summarize_certificates,
    summarize_postgres,
    summarize_queue,
    summarize_redis,
    summarize_votes,
    waiting_seconds,
)

NOBODY: dict[str, Any] = {
    "primary": None,
    "standbys": [],
    "synchronous": False,
    "established": False,
    "lag_bytes": {},
    "damaged": [],
}
FOLLOWED = NOBODY | {
    "primary": "p1",
    "standbys": ["p2", "p3"],
    "synchronous": True,
    "established": True,
    "lag_bytes": {"p2": None, "p3": None},
}
PRIMARY = {"role": "primary", "open": True, "standbys": ["p3", "p2"], "synchronous": True}
STANDBY = {"role": "standby", "open": False, "upstream": "p1"}


@pytest.mark.parametrize(
    ("states", "summary"),
    [
        ({}, NOBODY),
        ({"p1": STANDBY}, NOBODY),
        ({"p1": PRIMARY | {"open": False}, "p2": STANDBY}, NOBODY),
        ({"p1": PRIMARY, "p2": PRIMARY}, NOBODY),
        (
            {"p1": PRIMARY, "p2": STANDBY},
            FOLLOWED,
        ),
        (
            {"p1": PRIMARY | {"lag_bytes": {"p2": 0, "p3": 4096, "p9": 1}}},
            FOLLOWED | {"lag_bytes": {"p2": 0, "p3": 4096}},
        ),
        ({"p1": PRIMARY | {"lag_bytes": {"p2": None}}}, FOLLOWED),
        ({"p1": PRIMARY | {"established": True}, "p2": {"established": False}}, FOLLOWED),
        ({"p1": PRIMARY | {"established": False}}, FOLLOWED | {"established": False}),
        (
            {"p2": STANDBY | {"damaged_pages": 1}, "p1": PRIMARY | {"damaged_pages": 3}, "p3": STANDBY},
            FOLLOWED | {"damaged": ["p1", "p2"]},
        ),
        ({"p1": STANDBY | {"damaged_pages": 1}}, NOBODY | {"damaged": ["p1"]}),
    ],
)
def test_postgres(states: dict[str, Any], summary: dict[str, Any]) -> None:
    assert summarize_postgres(states) == summary


def replica(of: str, link: str = "connected") -> list[Any]:
    return [b"slave", of.encode(), 6379, link.encode(), 100]


MASTER: list[Any] = [b"master", 100, [[b"r2", b"6379", b"100"], [b"r3", b"6379", b"58"]]]
ALONE: list[Any] = [b"master", 100, []]


@pytest.mark.parametrize(
    ("roles", "primary", "lag"),
    [
        ({}, None, {}),
        ({"r1": MASTER, "r2": MASTER}, None, {}),
        ({"r1": replica("r2")}, None, {}),
        ({"r1": MASTER, "r3": replica("r1"), "r2": replica("r1")}, "r1", {"r2": 0, "r3": 42}),
        ({"r1": ALONE, "r3": replica("r1")}, "r1", {"r3": None}),
        ({"r1": MASTER, "r2": replica("r1", "sync"), "r3": replica("r9")}, "r1", {}),
        ({"r1": MASTER, "r2": [b"sentinel", []]}, "r1", {}),
    ],
)
def test_redis(roles: dict[str, Any], primary: str | None, lag: dict[str, int | None]) -> None:
    written = 100 if primary else None
    assert summarize_redis(roles) == {
        "primary": primary, "replicas": list(lag), "lag_bytes": lag, "written": written,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "letters", "pending", "dead", "oldest"),
    [
        (None, 1, None, None, None),
        ([0, 2, []], 1, 0, 3, None),
        ([0, 2, []], None, 0, None, None),
        ([3, 0, [[b"5-1", [b"vote", b"a"]]]], 0, 3, 0, "5-1"),
    ],
)
def test_queue(
    answer: list[Any] | None, letters: int | None, pending: int | None, dead: int | None, oldest: str | None
) -> None:
    expected = {"pending": pending, "dead": dead, "oldest": oldest, "intake": "open"}
    assert summarize_queue(answer, letters, [None]) == expected


@pytest.mark.parametrize(
    ("answer", "intake"),
    [(None, None), ([None], "open"), ([b"open"], "open"), ([b"draining"], "draining")],
)
def test_the_intake_is_open_where_nobody_has_set_it(answer: list[Any] | None, intake: str | None) -> None:
    assert summarize_queue(None, None, answer)["intake"] == intake


@pytest.mark.parametrize(
    ("before", "oldest", "seconds"),
    [
        (None, "1-0", 0.0),
        ("1-0", "1-0", 6.0),
        ("1-0", "2-0", 0.0),
        ("1-0", None, 0.0),
        (None, None, 0.0),
    ],
)
def test_how_long_the_first_entry_waits(before: str | None, oldest: str | None, seconds: float) -> None:
    picture = {"at": 10.0, "queue": {"oldest": before, "waiting_seconds": 5.0}}
    assert waiting_seconds(picture, {"oldest": oldest}, 11.0) == seconds
    assert waiting_seconds(None, {"oldest": oldest}, 11.0) == 0.0


@pytest.mark.parametrize(
    ("tally", "stored"), [(None, None), ({}, 0), ({"a": 7_543, "c": 0, "b": 7_587}, 15_130)]
)
def test_votes(tally: dict[str, int] | None, stored: int | None) -> None:
    pulse = None if tally is None else {"age": 0.5}
    assert summarize_votes(tally, 0.5) == {"stored": stored, "tally": tally, "pulse": pulse}


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_times_of_the_certificate_are_text_in_utc(zone: timezone) -> None:
    row = {"names": ["a.b"], "not_after": datetime(2026, 1, 2, tzinfo=UTC).astimezone(zone), "renew_at": None}
    said = {"names": ["a.b"], "not_after": "2026-01-02T00:00:00+00:00", "renew_at": None}
    assert summarize_certificates(row) == said
    assert summarize_certificates(None) is None


@pytest.mark.parametrize(
    ("before", "lost", "known"),
    [
        (None, None, {}),
        (None, 1, {"p": 1}),
        ({"p": 2}, 1, {"p": 1}),
        ({"p": 2}, 0, {}),
        ({"p": 2}, None, {"p": 2}),
    ],
)
def test_what_was_lost_is_known_while_nobody_answers(
    before: dict[str, int] | None, lost: int | None, known: dict[str, int]
) -> None:
    accounts = None if lost is None else {"processes": [{"process": "p", "lost": lost}]}
    assert known_losses(before and {"losses": before}, accounts) == known
