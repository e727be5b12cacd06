"""When a primary hands over, and to whom."""

from dataclasses import replace

import pytest

from postgres_ha.state import Data, NodeState, Role
from postgres_ha.succession import FAR_BEHIND_BYTES, refusal

PRIMARY = NodeState(
    "postgres-1", role=Role.PRIMARY, data=Data.USABLE, open=True,
    standbys=("postgres-2", "postgres-3"), lag_bytes={"postgres-2": 0, "postgres-3": FAR_BEHIND_BYTES + 1},
)  # fmt: skip
PEERS = {name: NodeState(name, role=Role.STANDBY, data=Data.USABLE) for name in PRIMARY.standbys}


@pytest.mark.parametrize(
    ("case", "me", "heir", "reason"),
    [
        ("a standby that streams", PRIMARY, "postgres-2", None),
        ("a standby", replace(PRIMARY, open=False), "postgres-2", "is not the primary"),
        ("itself", PRIMARY, "postgres-1", "is no standby"),
        ("nobody", PRIMARY, "postgres-9", "is no standby"),
        ("the heir is away", replace(PRIMARY, standbys=("postgres-3",)), "postgres-2", "postgres-2 does not"),
        (
            "the other is away",
            replace(PRIMARY, standbys=("postgres-2",)),
            "postgres-2",
            "postgres-3 does not",
        ),
        ("far behind", PRIMARY, "postgres-3", "bytes behind"),
        ("how far is not known", replace(PRIMARY, lag_bytes={}), "postgres-2", "an unknown number"),
    ],
)
def test_when_a_primary_hands_over(case: str, me: NodeState, heir: str, reason: str | None) -> None:
    answer = refusal(me, PEERS, heir)
    assert answer is None if reason is None else answer is not None and reason in answer, case
