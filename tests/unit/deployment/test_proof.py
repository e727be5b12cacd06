"""What is seen of the others before a slot is given away: that they have every vote that it confirmed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from deployment.configuration.layout import SLOT_LABELS
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import (
    ANSWER_SECONDS,
    OLDEST_SECONDS,
    UNKNOWN,
    Picture,
    Postgres,
    Pulse,
    Redis,
    Votes,
)  # fmt: skip
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import KINDS, belonging
from deployment.plan.swarm import proof
from deployment.plan.swarm.nodes import Node
from deployment.plan.swarm.proof import Stop
from observer.question import FRESH_SECONDS

NODES = [Node(str(n), f"node-{n}", labels=frozenset({SLOT_LABELS[n - 1]})) for n in (1, 2, 3)]
NAMES = [f"{kind}-{slot}" for kind in KINDS for slot in (1, 2, 3)]
OWN = belonging([3])
STOP = Stop("redis-1", since=100.0, written=1000)
COMMIT = "a commit that the others confirm"
COPY = "redis-2 to have all that redis-1 had written"
# Slot 3 has stopped, and what it confirmed is with the others.
GOOD = Picture(
    110.0,
    Postgres("postgres-1", ("postgres-2",), synchronous=True, lag_bytes={"postgres-2": 500}),
    Redis("redis-1", ("redis-2",), lag_bytes={"redis-2": 200}, written=1200),
    votes=Votes(pulse=Pulse(2.0)),
)


def view(picture: Picture, down: Sequence[str] = OWN) -> View:
    return View(NODES, [ServiceState(name, int(name not in down), 1) for name in NAMES], picture)


def committed(age: float | None, lag: int) -> Picture:
    postgres = replace(GOOD.postgres, lag_bytes={"postgres-2": lag})
    return replace(GOOD, postgres=postgres, votes=Votes(pulse=Pulse(age)))


def copied(lag: int | None, written: int | None, primary: str = "redis-1") -> Picture:
    other = {"redis-1": "redis-2", "redis-2": "redis-1"}[primary]
    return replace(GOOD, redis=Redis(primary, (other,), {other: lag}, written))


@pytest.mark.parametrize(
    ("seen", "stop", "waited_for"),
    [
        pytest.param(view(committed(2.0, 500)), STOP, [], id="a commit since then"),
        pytest.param(view(committed(20.0, 500)), STOP, [COMMIT], id="none yet, and behind"),
        pytest.param(view(committed(None, 500)), STOP, [COMMIT], id="never one, and behind"),
        pytest.param(view(committed(20.0, 0)), STOP, [], id="none since, and nothing is missing"),
        pytest.param(view(replace(committed(0.0, 0), at=100.0)), STOP, [COMMIT, COPY], id="no new picture"),
        pytest.param(view(copied(200, 1200)), STOP, [], id="behind, yet it has what was written by then"),
        pytest.param(view(copied(201, 1200)), STOP, [COPY], id="a byte of that is missing"),
        pytest.param(view(copied(500, 1200)), replace(STOP, written=None), [COPY], id="not known how much"),
        pytest.param(view(copied(0, 1200)), replace(STOP, written=None), [], id="it lacks nothing at all"),
        pytest.param(
            view(copied(500, None)), replace(STOP, written=None),
            ["what Redis has written, which an observer of the release before does not say (run `up`)"],
            id="an observer that does not say it",
        ),
        pytest.param(view(copied(0, None)), replace(STOP, written=None), [], id="nor need it"),
        pytest.param(
            view(copied(0, 1200, "redis-2")), STOP,
            ["Redis has another primary than redis-1, which wrote what was confirmed"],
            id="another primary may lack what only slot 3 had",
        ),
        pytest.param(view(GOOD, ["redis-2", *OWN]), STOP, ["redis-2 is away"], id="one more died"),
        pytest.param(view(UNKNOWN), STOP, ["No observer answers here"], id="nobody can say"),
        pytest.param(
            view(replace(GOOD, redis=Redis("redis-3", ("redis-1", "redis-2"), {"redis-1": 0, "redis-2": 0}))),
            STOP, ["another primary of Redis"], id="it became primary",
        ),
    ],
)  # fmt: skip
def test_what_is_seen_of_the_others_before_a_slot_is_given_away(
    seen: View, stop: Stop, waited_for: list[str]
) -> None:
    assert proof.unproven(seen, OWN, stop) == waited_for


def test_only_what_was_asked_for_after_the_stop_counts() -> None:
    """The first picture may be old, and each answer in a later one older than that."""
    stop = Stop("redis-1").seen(UNKNOWN).seen(replace(GOOD, at=100.0))
    assert (stop.since, stop.written) == (100.0 + OLDEST_SECONDS + ANSWER_SECONDS, None)
    assert stop.seen(replace(GOOD, at=stop.since)) == stop
    stop = stop.seen(replace(GOOD, at=109.0))
    assert stop.written == 1200
    assert stop.seen(replace(copied(0, 9000), at=110.0)) == stop


@pytest.mark.parametrize("picture", [copied(0, 1200, "redis-2"), copied(0, None), UNKNOWN])
def test_what_somebody_else_has_written_says_nothing(picture: Picture) -> None:
    assert replace(STOP, written=None).seen(picture).written is None


def test_no_answer_in_a_picture_is_older_than_is_reckoned_with() -> None:
    assert ANSWER_SECONDS >= FRESH_SECONDS
