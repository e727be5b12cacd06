"""When the Sentinels are asked to promote a replica, and when they have."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Self

import pytest
import redis

from redis_gate import switchover
from redis_gate.sentinel_config import FAILOVER_TIMEOUT_MS
from redis_gate.switchover import Seen, SwitchoverError, named_by_most, preferred, refusal
from unit.redis_gate.samples import REDIS
from vote.writer import DEADLINE_SECONDS

CLUSTER = REDIS.cluster
FOLLOWS = {"flags": "slave", "master-link-status": "ok", "slave-priority": "100"}
HEALTHY = Seen("redis-1", "master", {"redis-2": FOLLOWS, "redis-3": FOLLOWS})
SENTINELS = CLUSTER.sentinel_nodes
SILENT = None


def seen(*last: Seen | None) -> dict[str, Seen | None]:
    """Return what all Sentinels see, of whom the last see something else."""
    return dict(zip(SENTINELS, [*[HEALTHY] * (len(SENTINELS) - len(last)), *last], strict=True))


def with_replica(**fields: str) -> Seen:
    return replace(HEALTHY, replicas={**HEALTHY.replicas, "redis-3": {**FOLLOWS, **fields}})


@pytest.mark.parametrize(
    ("case", "last", "heir", "reason"),
    [
        ("all agree", HEALTHY, "redis-2", None),
        ("a Sentinel is silent", SILENT, "redis-2", "sentinel-3 does not answer"),
        ("a Sentinel names another", replace(HEALTHY, primary="redis-3"), "redis-2", "names redis-3"),
        ("a failover runs", replace(HEALTHY, flags="master,failover_in_progress"), "redis-2", "failover_in"),
        ("a replica is down", with_replica(flags="s_down,slave"), "redis-2", "does not see redis-3 follow"),
        ("a replica has no link", with_replica(**{"master-link-status": "err"}), "redis-3", "does not see"),
        (
            "the other one is unknown",
            replace(HEALTHY, replicas={"redis-2": FOLLOWS}),
            "redis-2",
            "does not see",
        ),
        ("the primary", HEALTHY, "redis-1", "is no replica"),
        ("nobody", HEALTHY, "redis-9", "is no replica"),
    ],
)
def test_when_a_replica_may_be_promoted(case: str, last: Seen | None, heir: str, reason: str | None) -> None:
    answer = refusal(seen(last), CLUSTER, "redis-1", heir)
    assert answer is None if reason is None else answer is not None and reason in answer, case


def test_a_majority_says_who_is_primary() -> None:
    promoted = replace(HEALTHY, primary="redis-2")
    assert not named_by_most(seen(promoted), "redis-2", CLUSTER)
    assert not named_by_most(seen(SILENT, promoted), "redis-2", CLUSTER)
    assert named_by_most(seen(promoted, promoted), "redis-2", CLUSTER)


def test_all_sentinels_know_whom_to_prefer() -> None:
    told = with_replica(**{"slave-priority": "1"})
    assert preferred(seen(told, told, told), "redis-3")
    assert not preferred(seen(told), "redis-3")
    assert not preferred(seen(told, told, SILENT), "redis-3")


def test_a_sentinel_that_has_forgotten_the_heir_does_not_prefer_it() -> None:
    forgetful = replace(HEALTHY, replicas={"redis-2": FOLLOWS})
    assert not preferred(seen(forgetful, forgetful, forgetful), "redis-3")


class Server:
    """A Redis or a Sentinel that notes what it is told, and does nothing."""

    def __init__(self, name: str, told: list[str], trouble: Mapping[str, Exception]) -> None:
        self._name, self._told, self._trouble = name, told, trouble

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def info(self, section: str) -> dict[str, int]:
        return {"redis-1": {"master_repl_offset": 7}, "redis-2": {"slave_repl_offset": 7}}.get(self._name, {})

    def execute_command(self, command: str, *_: object) -> None:
        self._told.append(f"{self._name} {command}")
        if error := self._trouble.get(command):
            raise error


BEGUN = [
    "redis-2 VOTES.PREFER",
    "redis-1 CLIENT PAUSE",
    "redis-1 CLIENT PAUSE",
    "sentinel-1 SENTINEL FAILOVER",
]
FOLLOWED = [*BEGUN, "redis-1 SLAVEOF", "redis-1 CLIENT UNPAUSE"]


@pytest.mark.parametrize(
    ("trouble", "promoted", "heir", "reason", "told"),
    [
        pytest.param({}, True, "redis-2", None, FOLLOWED, id="promoted"),
        pytest.param(
            {"SENTINEL FAILOVER": redis.TimeoutError("slow")}, True, "redis-2", None, FOLLOWED,
            id="the Sentinel took it, and did not say so",
        ),
        pytest.param(
            {"SENTINEL FAILOVER": redis.ResponseError("INPROG")}, False, "redis-2", "INPROG",
            [*BEGUN, "redis-1 CLIENT UNPAUSE"], id="refused: votes go on at once",
        ),
        pytest.param({}, False, "redis-2", "may yet", BEGUN, id="not agreed: votes wait to the end"),
        pytest.param(
            {"SLAVEOF": redis.TimeoutError("slow")}, True, "redis-2", "slow", FOLLOWED[:-1],
            id="the former primary may not follow yet: votes wait to the end",
        ),
        pytest.param({}, False, "redis-3", "too far behind", [], id="behind: nobody is preferred"),
    ],
)  # fmt: skip
def test_votes_wait_while_the_former_primary_might_take_what_the_heir_would_not_get(
    monkeypatch: pytest.MonkeyPatch,
    trouble: Mapping[str, Exception],
    promoted: bool,
    heir: str,
    reason: str | None,
    told: list[str],
) -> None:
    heard: list[str] = []
    told_all = Seen(heir if promoted else "redis-1", "master", {heir: {"slave-priority": "1"}})
    monkeypatch.setattr(switchover, "_require_agreement", lambda *_: None)
    monkeypatch.setattr(switchover, "client", lambda name, *_: Server(name, heard, trouble))
    monkeypatch.setattr(switchover, "look", lambda *_: seen(told_all, told_all, told_all))
    for name in ("NEAR_SECONDS", "CAUGHT_UP_SECONDS", "PAUSE_SECONDS", "SPARE_SECONDS"):
        monkeypatch.setattr(switchover, name, 0.0)
    with (
        nullcontext() if reason is None else pytest.raises((SwitchoverError, redis.RedisError), match=reason)
    ):
        switchover.move(CLUSTER, "redis-1", heir)
    # The preference ends with the switchover, however that ends.
    assert heard == ([*told, "redis-2 VOTES.PREFER"] if told else [])


def test_a_pause_is_shorter_than_a_votes_patience_and_longer_than_all_that_is_waited_for() -> None:
    assert switchover.CAUGHT_UP_SECONDS + switchover.PAUSE_SECONDS < DEADLINE_SECONDS
    # An answer of the Sentinel's, and then the longest that it tries by itself.
    waited = switchover.ANSWER_SECONDS + FAILOVER_TIMEOUT_MS / 1000
    assert waited < switchover.PAUSE_SECONDS - switchover.SPARE_SECONDS
