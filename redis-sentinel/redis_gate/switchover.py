"""Another Redis becomes the primary because an operator says so: the Sentinels promote it.

`python -m redis_gate switchover PRIMARY HEIR` does it from any container with this image and its secrets.
Exit codes: 0 the heir is the primary; 1 it is not, with the reason as the last line on stderr.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import redis
import structlog

from redis_gate.errors import ServiceError
from redis_gate.observation import ask_all, client
from redis_gate.redis_config import REDIS_PORT
from redis_gate.sentinel_config import PRIMARY_SET, SENTINEL_PORT
from redis_gate.settings import Cluster
from redis_gate.waiting import ASK_SECONDS

PREFERRED_MS = 30_000
PREFERRED = "1"
# A Sentinel asks a replica for its state and its priority every ten seconds.
AGREED_SECONDS = KNOWN_SECONDS = 15.0
NEAR_SECONDS = 5.0
# Votes wait for so long at most, and while the heir catches up. A vote tries for ten seconds.
PAUSE_SECONDS = 8.0
CAUGHT_UP_SECONDS = 1.0
# So long before the pause ends nobody looks any more whether the heir is the primary.
SPARE_SECONDS = 1.5
LOOK_SECONDS = 0.1
ANSWER_SECONDS = 2.0

log = structlog.get_logger()


class SwitchoverError(ServiceError):
    """The primary was not moved; the message says why."""


class RefusedError(SwitchoverError):
    """The Sentinel that was asked began no failover."""


@dataclass(frozen=True)
class Seen:
    """What one Sentinel knows: the primary, what is said of it, and its replicas by name."""

    primary: str
    flags: str
    replicas: Mapping[str, Mapping[str, Any]]


def refusal(seen: Mapping[str, Seen | None], cluster: Cluster, primary: str, heir: str) -> str | None:
    """Return why the heir should not be promoted now, or None; of a silent Sentinel None was seen."""
    for sentinel, one in seen.items():
        if one is None:
            return f"{sentinel} does not answer"
        if one.primary != primary:
            return f"{sentinel} names {one.primary} as primary, not {primary}"
        if one.flags != "master":
            return f"{sentinel} says of {primary}: {one.flags}"
        for replica in sorted({*cluster.redis_nodes} - {primary}):
            known = one.replicas.get(replica)
            if known is None or known["flags"] != "slave" or known["master-link-status"] != "ok":
                return f"{sentinel} does not see {replica} follow {primary}"
    return None if heir in cluster.redis_nodes and heir != primary else f"{heir} is no replica of {primary}"


def named_by_most(seen: Mapping[str, Seen | None], node: str, cluster: Cluster) -> bool:
    """Whether a majority of the Sentinels names a node as primary."""
    return sum(one is not None and one.primary == node for one in seen.values()) >= cluster.majority


def move(cluster: Cluster, primary: str, heir: str) -> None:
    """Let the Sentinels promote the heir; raise SwitchoverError or RedisError where that is not done."""
    _require_agreement(cluster, primary, heir)
    with (
        client(heir, REDIS_PORT, cluster, ANSWER_SECONDS) as chosen,
        client(primary, REDIS_PORT, cluster, ANSWER_SECONDS) as leaving,
    ):
        _catch_up(leaving, chosen, heir, NEAR_SECONDS)
        with _preferred(chosen, heir):
            _wait(lambda: preferred(look(cluster), heir), KNOWN_SECONDS, f"not every Sentinel prefers {heir}")
            _hand_over(cluster, leaving, chosen, heir)
        log.info("moved", primary=heir)


def _require_agreement(cluster: Cluster, primary: str, heir: str) -> None:
    """Look until nothing speaks against it: a Sentinel may be busy, and asks replicas seldom."""
    deadline = time.monotonic() + AGREED_SECONDS
    while reason := refusal(seen := look(cluster), cluster, primary, heir):
        lasting = heir not in cluster.redis_nodes or named_by_most(seen, heir, cluster)
        if lasting or time.monotonic() > deadline:
            raise SwitchoverError(reason)
        time.sleep(LOOK_SECONDS)


def preferred(seen: Mapping[str, Seen | None], heir: str) -> bool:
    """Whether every Sentinel knows that it is to promote the heir."""
    known = [one.replicas.get(heir, {}) if one else {} for one in seen.values()]
    return all(replica.get("slave-priority") == PREFERRED for replica in known)


def look(cluster: Cluster, seconds: float = ANSWER_SECONDS) -> Mapping[str, Seen | None]:
    """Ask every Sentinel, and wait for so long for an answer."""
    return ask_all(cluster.sentinel_nodes, lambda sentinel: _seen_by(sentinel, cluster, seconds))


def run(cluster: Cluster, primary: str, heir: str) -> NoReturn:
    """Move the primary, and end as the module says."""
    try:
        move(cluster, primary, heir)
    except (SwitchoverError, redis.RedisError) as error:
        raise SystemExit(f"ERROR: {error}") from error
    raise SystemExit(0)


def _seen_by(sentinel: str, cluster: Cluster, seconds: float) -> Seen | None:
    asked: Any
    try:
        with client(sentinel, SENTINEL_PORT, cluster, seconds) as asked:
            state = _pairs(asked.execute_command("SENTINEL MASTER", PRIMARY_SET))
            replicas = asked.execute_command("SENTINEL REPLICAS", PRIMARY_SET)
    except redis.RedisError:
        return None
    found = {str(replica["name"]).partition(":")[0]: replica for replica in map(_pairs, replicas)}
    return Seen(str(state["ip"]), str(state["flags"]), found)


def _pairs(answer: Any) -> Mapping[str, Any]:
    if isinstance(answer, Mapping):
        return answer
    words = iter(cast(list[str], answer))
    return dict(zip(words, words, strict=True))


def _prefer(chosen: Any, heir: str) -> None:
    try:
        chosen.execute_command("VOTES.PREFER", PREFERRED_MS)
    except redis.ResponseError as error:
        raise SwitchoverError(f"{heir} is of a release that knows no switchover: {error}") from error


@contextmanager
def _preferred(chosen: Any, heir: str) -> Iterator[None]:
    """Let the Sentinels prefer the heir meanwhile, and for PREFERRED_MS at most.

    Where the primary fails later on, who has most of the votes is elected.
    """
    try:
        _prefer(chosen, heir)
        yield
    finally:
        with suppress(redis.RedisError):
            chosen.execute_command("VOTES.PREFER", 1)


def _hand_over(cluster: Cluster, leaving: Any, chosen: Any, heir: str) -> None:
    """Pause votes, let the heir catch up, fail over, and make the former primary its replica at once.

    A Sentinel would do the last ten seconds later. From the moment in which a failover may run, votes wait
    until the former primary follows, or the pause ends by itself: what it took the heir would never get.
    """
    running = False
    _pause(leaving)
    try:
        _catch_up(leaving, chosen, heir, CAUGHT_UP_SECONDS)
        ends = time.monotonic() + PAUSE_SECONDS
        _pause(leaving)
        running = True
        _fail_over(cluster)
        _wait(
            lambda: named_by_most(look(cluster, ASK_SECONDS), heir, cluster),
            max(0.0, ends - SPARE_SECONDS - time.monotonic()),
            f"{heir} may yet become the primary: the Sentinels do not agree on it",
        )
        leaving.execute_command("SLAVEOF", heir, REDIS_PORT)
        running = False
    except RefusedError:
        running = False
        raise
    finally:
        if not running:
            with suppress(redis.RedisError):  # the pause ends by itself
                leaving.execute_command("CLIENT UNPAUSE")


def _pause(leaving: Any) -> None:
    leaving.execute_command("CLIENT PAUSE", round(1000 * PAUSE_SECONDS), "WRITE")


def _catch_up(leaving: Any, chosen: Any, heir: str, seconds: float) -> None:
    """Wait until the heir has all that is written by now."""
    written = _offset(leaving, "master_repl_offset")
    _wait(lambda: _offset(chosen, "slave_repl_offset") >= written, seconds, f"{heir} is too far behind")


def _offset(node: Any, name: str) -> int:
    """Return an offset; -1 of a node that has none, because its role has just changed."""
    return int(node.info("replication").get(name, -1))


def _fail_over(cluster: Cluster) -> None:
    """Ask a Sentinel; one that took it may be too busy to say so. Raise RefusedError if it does not."""
    asked: Any
    with client(cluster.sentinel_nodes[0], SENTINEL_PORT, cluster, ANSWER_SECONDS) as asked:
        try:
            asked.execute_command("SENTINEL FAILOVER", PRIMARY_SET)
        except redis.ResponseError as error:
            raise RefusedError(f"{cluster.sentinel_nodes[0]} does not fail over: {error}") from error
        except (redis.ConnectionError, redis.TimeoutError) as error:
            log.warning("no answer to the failover", error=str(error))


def _wait(true: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SwitchoverError(f"{otherwise} after {seconds:.1f} s")
        time.sleep(LOOK_SECONDS)
