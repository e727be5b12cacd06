"""When a primary hands over, and to whom."""

from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Any

import pytest

from postgres_ha import tls
from postgres_ha.election import ElectionError
from postgres_ha.node import Node
from postgres_ha.settings import Secrets, Settings
from postgres_ha.state import Data, NodeState, Role
from postgres_ha.succession import FAR_BEHIND_BYTES, hand_over, refusal

PRIMARY = NodeState(
    "postgres-1", role=Role.PRIMARY, data=Data.USABLE, open=True,
    standbys=("postgres-2", "postgres-3"), lag_bytes={"postgres-2": 0, "postgres-3": FAR_BEHIND_BYTES + 1},
)  # fmt: skip
PEERS = PRIMARY.standbys
NODES = (PRIMARY.node, *PEERS)


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


class Primary:
    """The parts of a primary; while it writes its checkpoint, something happens to its standbys."""

    def __init__(self, then: NodeState) -> None:
        self.seen, self.then = PRIMARY, then
        self.changing, self.phase = RLock(), "primary"
        self.settings = self.repmgr = self.database = self.server = self
        self.node, self.peers = PRIMARY.node, PRIMARY.standbys
        self.done: list[str] = []

    def observe(self) -> NodeState:
        return self.seen

    def execute(self, *_: str) -> None:
        self.done.append("checkpoint")
        self.seen = self.then
        # The gate of a primary must be able to act: a checkpoint takes up to 45 s.
        assert not self.changing._is_owned()  # type: ignore[attr-defined]

    def stop(self) -> None:
        self.done.append("stop")

    def invite(self, leaving: str, heir: str) -> None:
        self.done.append(f"{leaving} leaves to {heir}")

    def say_farewell(self, heir: str) -> None:
        self.done.append(f"farewell to {heir}")


def test_a_primary_stops_after_its_checkpoint_and_names_the_heir() -> None:
    primary: Any = Primary(PRIMARY)
    hand_over(primary, "postgres-2")
    leaving = ["postgres-1 leaves to postgres-2", "farewell to postgres-2"]
    assert primary.done == ["checkpoint", "stop", "stop", *leaving]


@pytest.mark.parametrize("standbys", [("postgres-2",), ("postgres-3",), ()])
def test_a_standby_that_goes_during_the_checkpoint_ends_the_hand_over(standbys: tuple[str, ...]) -> None:
    primary: Any = Primary(replace(PRIMARY, standbys=standbys))
    with pytest.raises(ElectionError, match="does not stream"):
        hand_over(primary, "postgres-2")
    assert primary.done == ["checkpoint"]


@pytest.mark.parametrize(
    ("heard", "heir"),
    [
        pytest.param(NodeState("postgres-2", role=Role.STANDBY, epoch=3), "postgres-2", id="a standby"),
        pytest.param(NodeState("postgres-2", epoch=3), "postgres-2", id="too busy to be looked at"),
        pytest.param(NodeState("postgres-2", data=Data.USABLE), None, id="its server does not run"),
        pytest.param(None, None, id="silent"),
    ],
)
def test_nobody_waits_for_an_heir_that_cannot_be_elected(
    tls_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    heard: NodeState | None,
    heir: str | None,
) -> None:
    ways, secrets = tls.load(tls_environment), Secrets(*"abcdefghi")
    node = Node(Settings("postgres-3", NODES, secrets, ways, tmp_path, tmp_path))
    monkeypatch.setattr(node.peers, "states", lambda: {"postgres-2": heard})
    node.invite("postgres-1", "postgres-2")
    assert node.heir == heir
