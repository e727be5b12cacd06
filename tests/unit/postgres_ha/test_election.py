import pytest

from postgres_ha.election import candidacy_from_json, candidacy_to_json
from postgres_ha.grant import Candidacy
from postgres_ha.position import Position

CANDIDACY = Candidacy("postgres-2", 7, Position(6, 1000))


def test_a_candidacy_survives_the_wire() -> None:
    assert candidacy_from_json(candidacy_to_json(CANDIDACY)) == CANDIDACY


@pytest.mark.parametrize("broken", [{"term": "seven"}, {"position": 5}, {"position": {"epoch": 1}}])
def test_a_malformed_candidacy_is_an_error(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        candidacy_from_json(candidacy_to_json(CANDIDACY) | broken)
