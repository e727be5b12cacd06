from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from psycopg.errors import InsufficientPrivilege, UndefinedColumn, UndefinedTable

from result.database import Database, DatabaseAwayError
from result.feed import Feed
from result.poll import FIRST, Archive, Poll, read_poll

DOCUMENT = '{"poll": 2}\n'
ARCHIVE = Archive(2, DOCUMENT, "c0ffee")
CLOSES = 1_798_142_400.0  # 2026-12-24T20:00Z


@pytest.mark.parametrize(
    ("row", "poll"),
    [
        ((1, "open", None, None, None, None, False), FIRST),
        ((3, "open", CLOSES, 2, DOCUMENT, "c0ffee", False), Poll(3, "open", CLOSES, ARCHIVE)),
        ((1, "open", None, None, None, None, True), Poll(paused=True)),
    ],
)
def test_a_row(row: Any, poll: Poll) -> None:
    assert read_poll(row) == poll


@pytest.mark.parametrize(
    ("poll", "told"),
    [
        (FIRST, {"number": 1, "state": "open", "closes": 0, "checksum": ""}),
        (Poll(1, "open", 1.5), {"number": 1, "state": "open", "closes": 1500, "checksum": ""}),
        (
            Poll(2, "archived", None, ARCHIVE),
            {"number": 2, "state": "archived", "closes": 0, "checksum": "c0ffee"},
        ),
        (Poll(3, "open", None, ARCHIVE), {"number": 3, "state": "open", "closes": 0, "checksum": ""}),
    ],
    ids=["first", "to be closed", "archived", "the one after"],
)
def test_what_viewers_are_told(poll: Poll, told: dict[str, object]) -> None:
    assert poll.told() == {**told, "paused": False}


def test_viewers_are_told_that_voting_is_paused() -> None:
    assert Poll(paused=True).told()["paused"]


def test_viewers_hear_of_a_change_once(source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("result.feed.POLL_EVERY_SECONDS", 0)
    said: list[Any] = []
    feed = Feed(source, {"a": "Cats"}, lambda event, data: said.append((event, data)))
    for present in (FIRST, Poll(1, "closed"), Poll(1, "closed"), Poll(1, "final")):
        source.present = present
        feed.turn()
    assert [data["state"] for event, data in said if event == "poll"] == ["closed", "final"]


@pytest.mark.parametrize(
    ("poll", "shown", "hidden"),
    [
        (FIRST, [], ["Voting ends", "Final result", "c0ffee", "Voting is paused"]),
        (Poll(paused=True), ["Voting is paused.</p>"], []),
        (Poll(1, "open", CLOSES, paused=True), ["Voting is paused."], ["Voting ends"]),
        (Poll(1, "final", paused=True), ["Final result.</p>"], ["Voting is paused"]),
        (Poll(1, "open", CLOSES), ["Voting ends: 2026-12-24 20:00 UTC"], ["c0ffee"]),
        (Poll(1, "closed"), ["Voting has ended. Counting the last votes.</p>"], []),
        (Poll(1, "final"), ["Voting has ended. Final result.</p>"], []),
        (Poll(2, "archived", None, ARCHIVE), ["Voting has ended. Final result.</p>", ">c0ffee</code>"], []),
        (Poll(3, "open", None, ARCHIVE), [], ["c0ffee"]),
    ],
)
def test_the_page_says_what_becomes_of_the_numbers(
    app: Flask, source: Any, poll: Poll, shown: list[str], hidden: list[str]
) -> None:
    source.present = poll
    app.extensions["feed"].turn()
    page = app.test_client().get("/").text.partition("data-final")[2].partition(">")[2]
    assert [part for part in shown if part not in page] == []
    assert [part for part in hidden if part in page] == []


def test_the_archive_is_served_to_the_byte(app: Flask, source: Any) -> None:
    client = app.test_client()
    assert client.get("/archive.json").status_code == 404
    source.present = Poll(3, "open", None, ARCHIVE)
    app.extensions["feed"].turn()
    assert client.get("/archive.json").data == DOCUMENT.encode()


@pytest.mark.parametrize("error", [UndefinedTable, InsufficientPrivilege])
def test_before_a_worker_has_made_the_table_there_is_the_first_poll(
    app: Flask, error: type[Exception]
) -> None:
    assert _asked(app, error) == FIRST


def test_any_other_failure_is_one(app: Flask) -> None:
    with pytest.raises(DatabaseAwayError):
        _asked(app, UndefinedColumn)


def _asked(app: Flask, error: type[Exception]) -> Poll:
    class Connection:
        def execute(self, _query: str) -> None:
            raise error

        def close(self) -> None:
            pass

    database = Database(app.extensions["settings"])
    database._connection = Connection()  # type: ignore[assignment]
    return database.poll()
