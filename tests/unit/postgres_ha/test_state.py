import json

import pytest

from postgres_ha.state import Data, NodeState, Role
from postgres_ha.timeline import Branch

STATE = NodeState(
    "postgres-2",
    role=Role.STANDBY,
    data=Data.USABLE,
    epoch=3,
    lsn=0x3000148,
    upstream="postgres-1",
    standbys=("postgres-3",),
    lag_bytes={"postgres-3": 4096},
    timelines=(Branch(1, 0), Branch(2, 9)),
)


def test_a_state_survives_the_wire() -> None:
    assert NodeState.from_json(json.loads(json.dumps(STATE.to_json()))) == STATE


def test_what_others_rely_on_is_there() -> None:
    answer = STATE.to_json()
    assert answer["role"] == "standby"
    assert answer["lsn"] == "0/3000148"
    names = {"node", "open", "fenced", "epoch", "upstream", "standbys", "synchronous", "phase"}
    assert names <= answer.keys()


def test_fields_of_a_later_version_are_ignored() -> None:
    assert NodeState.from_json(STATE.to_json() | {"colour": "red"}) == STATE


def test_an_agent_of_the_release_before_says_no_lag() -> None:
    answer = STATE.to_json()
    del answer["lag_bytes"]
    assert NodeState.from_json(answer).lag_bytes == {}


@pytest.mark.parametrize(
    "broken", [{"role": "king"}, {"lsn": "nonsense"}, {"standbys": None}, {"timelines": [[1]]}]
)
def test_a_malformed_state_is_an_error(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        NodeState.from_json(STATE.to_json() | broken)
