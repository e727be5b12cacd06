"""What has changed from one picture of the stack to the next, in lines that are read at night."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from observer.picture import Picture

# A worker that dies leaves its batch to another after ten seconds; longer is not a matter of one worker.
STUCK_SECONDS = 15.0


@dataclass(frozen=True)
class Line:
    """One line of the history; `bad` says that something is worse than before."""

    text: str
    bad: bool = False


@dataclass(frozen=True)
class Cluster:
    """How one of the two clusters is described."""

    key: str
    name: str
    members: str

    def describe(self, state: Mapping[str, Any]) -> str:
        """Say who leads and who follows."""
        if state["primary"] is None:
            return f"{self.name} has no primary"
        followers = ", ".join(state[self.members]) or "none"
        return f"{self.name} primary {state['primary']}, {self.members} {followers}"


CLUSTERS = (Cluster("postgres", "PostgreSQL", "standbys"), Cluster("redis", "Redis", "replicas"))


def changes(before: Picture | None, after: Picture) -> list[Line]:
    """Return the lines that follow from two pictures; the first picture is described whole."""
    if before is None:
        said = [cluster.describe(after[cluster.key]) for cluster in CLUSTERS]
        headless = any(after[cluster.key]["primary"] is None for cluster in CLUSTERS)
        return [Line("; ".join([*said, _counts(after)]), bad=headless)]
    return [
        *(
            line
            for cluster in CLUSTERS
            for line in _cluster(cluster, before[cluster.key], after[cluster.key])
        ),
        *_commits(before["postgres"], after["postgres"]),
        *_queue(before["queue"], after["queue"]),
        *_database(before["votes"]["stored"], after["votes"]["stored"]),
        *_lost(before["losses"], after["accounts"]),
    ]


def _counts(picture: Picture) -> str:
    names = {"entries queued": picture["queue"]["pending"], "dead letters": picture["queue"]["dead"]}
    counts = {"votes stored": picture["votes"]["stored"], **names}
    return ", ".join(f"{name} {'unknown' if count is None else count}" for name, count in counts.items())


def _cluster(cluster: Cluster, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Line]:
    old, new = before["primary"], after["primary"]
    if new is None and old is not None:
        yield Line(f"{cluster.name} has no primary (was {old})", bad=True)
    elif new != old:
        was = f" (was {old})" if old else ""
        yield Line(f"{cluster.describe(after)}{was}")
    elif new is not None:
        yield from _members(cluster, set(before[cluster.members]), set(after[cluster.members]))


def _members(cluster: Cluster, before: set[str], after: set[str]) -> Iterator[Line]:
    noun = f"{cluster.name} {cluster.members.removesuffix('s')}"
    for node in sorted(before - after):
        yield Line(f"{noun} {node} is missing, {len(after)} left", bad=True)
    for node in sorted(after - before):
        yield Line(f"{noun} {node} is back, {len(after)} in all")


def _commits(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Line]:
    if after["primary"] is None or before["primary"] is None:
        return
    if before["synchronous"] and not after["synchronous"]:
        yield Line("PostgreSQL has no synchronous standby: votes wait in the queue", bad=True)
    if after["synchronous"] and not before["synchronous"]:
        yield Line("PostgreSQL has a synchronous standby again: votes are stored")


def _queue(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Line]:
    if after["pending"] is None and before["pending"] is not None:
        yield Line("the queue does not answer through redis-proxy", bad=True)
    if after["pending"] is not None and before["pending"] is None:
        yield Line(f"the queue answers, entries queued {after['pending']}")
    if None not in (before["intake"], after["intake"]) and before["intake"] != after["intake"]:
        yield Line(f"the intake is {after['intake']}", bad=after["intake"] not in ("open", "maintenance"))
    stuck, was_stuck = (queue["waiting_seconds"] >= STUCK_SECONDS for queue in (after, before))
    if stuck and not was_stuck:
        seconds = f"{after['waiting_seconds']:.0f}"
        yield Line(
            f"the queue does not move: entries queued {after['pending']}, the first for {seconds} s", bad=True
        )
    if was_stuck and not stuck and after["pending"] is not None:
        yield Line(f"the queue moves again, entries queued {after['pending']}")
    if before["dead"] is not None and after["dead"] is not None and after["dead"] > before["dead"]:
        yield Line(f"dead letters: {after['dead']}, {after['dead'] - before['dead']} more", bad=True)


def _database(before: int | None, after: int | None) -> Iterator[Line]:
    if after is None and before is not None:
        yield Line("the database does not answer through pgpool", bad=True)
    if after is not None and before is None:
        yield Line(f"the database answers, votes stored {after}")


def _lost(known: Mapping[str, int], after: Mapping[str, Any] | None) -> Iterator[Line]:
    """Name each process of which more votes are lost than were known to be."""
    for each in after["processes"] if after else ():
        if each["lost"] > known.get(each["process"], 0):
            numbers = ", ".join(f"{first}-{last}" for first, last in each["numbers"])
            yield Line(
                f"acknowledged votes are lost: {each['lost']} of {each['process']}, {numbers}", bad=True
            )
