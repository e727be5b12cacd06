from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from observer.picture import summarize_poll
from observer.poll import document

FACTS = {"revision": 4, "number": 2, "state": "closed", "closes": None}
ROW = {**FACTS, "closed": datetime(2026, 1, 2, tzinfo=UTC)}
SAID = {**FACTS, "closed": "2026-01-02T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("row", "answer", "said"),
    [
        (None, [[b"open", 4, 2, 1, 0, 9]], None),
        (ROW, None, {**SAID, "told": False, "over": None}),
        (ROW, [[b"open", 4, 2, 1, 0, 9]], {**SAID, "told": True, "over": True}),
        (ROW, [[b"open", 3, 2, 0, 0, 9]], {**SAID, "told": False, "over": False}),
    ],
    ids=["before there was one", "the queue is silent", "both agree", "the queue does not know yet"],
)
def test_what_the_database_says_and_whether_the_queue_knows_it(row: Any, answer: Any, said: Any) -> None:
    assert summarize_poll(row, answer) == said


def test_a_document_holds_every_vote() -> None:
    opened, closed = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    row = {"number": 2, "opened": opened, "closed": closed}
    told = {"title": "T", "question": "Q?", "options": {"b": "Dogs", "a": "Cats"}}
    text = document(row, {"a": 3, "x": 1}, told, datetime(2026, 1, 3, tzinfo=UTC))
    assert text.endswith("}\n")
    assert json.loads(text) == {
        "poll": 2,
        "title": "T",
        "question": "Q?",
        "options": [
            {"key": "b", "name": "Dogs", "votes": 0},
            {"key": "a", "name": "Cats", "votes": 3},
            {"key": "x", "name": None, "votes": 1},
        ],
        "total": 4,
        "opened": "2026-01-01T00:00:00+00:00",
        "closed": "2026-01-02T00:00:00+00:00",
        "archived": "2026-01-03T00:00:00+00:00",
    }
