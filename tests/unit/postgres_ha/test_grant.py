import json
from dataclasses import replace
from pathlib import Path

import pytest

from postgres_ha.grant import (
    Candidacy,
    DurableTerm,
    Grant,
    forgotten_term,
    newer_data,
    next_term,
    objection,
    passed_over,
)
from postgres_ha.position import Position
from postgres_ha.state import Data, NodeState, Role

CANDIDACY = Candidacy("postgres-2", term=7, position=Position(6, 1000))


def node(role: Role = Role.STANDBY, promised: int = 6, epoch: int = 6, lsn: int = 1000) -> NodeState:
    return NodeState("postgres-3", role=role, data=Data.USABLE, promised=promised, epoch=epoch, lsn=lsn)


@pytest.mark.parametrize(
    ("case", "node", "living", "reason"),
    [
        ("a standby that sees no primary", node(), None, None),
        ("never promised anything", node(promised=0), None, None),
        ("an open or fenced primary", node(role=Role.PRIMARY), None, "not a standby"),
        ("an empty, cloning or starting node", node(role=Role.NONE), None, "not a standby"),
        ("cannot read its promise", replace(node(), forgot=True), None, "cannot read"),
        ("the primary answers", node(), "postgres-1", "living primary"),
        ("promised this term already", node(promised=7), None, "promised term 7"),
        ("promised a later term", node(promised=9), None, "promised term 9"),
    ],
)
def test_what_a_voter_objects_to(case: str, node: NodeState, living: str | None, reason: str | None) -> None:
    answer = objection(CANDIDACY, node, living)
    assert answer is None if reason is None else answer is not None and reason in answer, case


@pytest.mark.parametrize(
    ("case", "node", "refused"),
    [
        ("the same position", node(), False),
        ("less WAL", node(lsn=999), False),
        ("more WAL of the same epoch", node(lsn=1001), True),
        ("more WAL of an older epoch", node(epoch=5, lsn=9999), False),
        ("less WAL of a later epoch", node(epoch=7, lsn=1), True),
    ],
)
def test_a_candidate_must_hold_what_the_voter_holds(case: str, node: NodeState, refused: bool) -> None:
    assert (newer_data(CANDIDACY, node) is not None) is refused, case


@pytest.mark.parametrize(
    ("heir", "waits"),
    [(None, False), ("postgres-3", False), ("postgres-2", True)],
    ids=["none", "me", "other"],
)
def test_who_is_not_the_heir_asks_for_no_term(heir: str | None, waits: bool) -> None:
    assert (passed_over("postgres-3", heir) is not None) is waits


def test_the_next_term_exceeds_every_known_promise_and_epoch() -> None:
    assert next_term([node(promised=3, epoch=4), node(promised=9, epoch=2)]) == 10


def test_a_promise_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "promise.json"
    DurableTerm(path).keep(4)
    assert DurableTerm(path).term == 4
    assert json.loads(path.read_text()) == {"term": 4}


@pytest.mark.parametrize("term", [3, 4])
def test_a_promise_is_never_given_twice(tmp_path: Path, term: int) -> None:
    promise = DurableTerm(tmp_path / "promise.json")
    promise.keep(4)
    with pytest.raises(ValueError, match="does not exceed"):
        promise.keep(term)


@pytest.mark.parametrize(
    ("case", "candidate", "seconds", "bound"),
    [
        ("another, at once", "postgres-3", 0, True),
        ("another, before the winner can be seen in office", "postgres-3", 7, True),
        ("another, after that", "postgres-3", 8, False),
        ("the same once more", "postgres-2", 0, False),
    ],
)
def test_a_vote_binds_for_a_while(case: str, candidate: str, seconds: float, bound: bool) -> None:
    assert Grant("postgres-2", at=100).binds(candidate, now=100 + seconds) is bound, case


@pytest.mark.parametrize(
    "damage",
    [b"", b"garbage", b"[]", b"{}", b'{"term": "7"}', b'{"term": -1}', b'{"term": true}', b"\xff\x00"],
)
def test_a_damaged_promise_binds_until_it_is_restored(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "promise.json"
    path.write_bytes(damage)
    promise = DurableTerm(path)
    assert promise.damaged
    with pytest.raises(ValueError, match="damaged"):
        promise.keep(99)
    promise.restore(7)
    assert (DurableTerm(path).term, DurableTerm(path).damaged) == (7, False)
    assert path.with_suffix(".damaged").read_bytes() == damage


def test_no_promise_is_not_a_damaged_one(tmp_path: Path) -> None:
    assert not DurableTerm(tmp_path / "promise.json").damaged


@pytest.mark.parametrize(
    ("case", "peers", "term"),
    [
        ("both answer", (node(promised=7), node(epoch=6)), 7),
        ("a later epoch than any promise", (node(promised=5), node(epoch=8)), 8),
        ("one is silent: it may have won with my grant", (node(promised=7), None), None),
        ("one forgot, too", (node(promised=7), replace(node(), forgot=True)), None),
    ],
)
def test_what_was_promised_is_known_when_every_peer_says_so(
    case: str, peers: tuple[NodeState | None, ...], term: int | None
) -> None:
    assert forgotten_term(peers) == term, case
