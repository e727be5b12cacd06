from typing import Any

import pytest

from postgres_ha.database import DatabaseError
from postgres_ha.election import candidacy_from_json, candidacy_to_json, promote
from postgres_ha.grant import Candidacy
from postgres_ha.position import Position

CANDIDACY = Candidacy("postgres-2", 7, Position(6, 1000))


def test_a_candidacy_survives_the_wire() -> None:
    assert candidacy_from_json(candidacy_to_json(CANDIDACY)) == CANDIDACY


@pytest.mark.parametrize("broken", [{"term": "seven"}, {"position": 5}, {"position": {"epoch": 1}}])
def test_a_malformed_candidacy_is_an_error(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        candidacy_from_json(candidacy_to_json(CANDIDACY) | broken)


class Promoting:
    """A server, and what it says when its promotion has ended or its time is over."""

    def __init__(self, promoted: bool) -> None:
        self.promoted = promoted

    def connect(self) -> "Promoting":
        return self

    def __enter__(self) -> "Promoting":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, *_: object) -> "Promoting":
        return self

    def fetchone(self) -> tuple[bool]:
        return (self.promoted,)


def test_a_promotion_that_does_not_end_in_time_is_an_error() -> None:
    willing: Any = Promoting(promoted=True)
    promote(willing)
    unwilling: Any = Promoting(promoted=False)
    with pytest.raises(DatabaseError, match="not promoted in 30 s"):
        promote(unwilling)
