"""What the observer sees, as metrics: of what nobody could say there is none, and never a zero."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from observer import containers
from observer.changes import CLUSTERS
from observer.picture import DIFFERENT_WAL, Picture

OPEN, MAINTENANCE = "open", "maintenance"
# The runner of the backups says something every five seconds.
SILENT_SECONDS = 60.0
ACCOUNT_STATES = ("acknowledged", "stored", "queued", "settling", "dead", "lost", "unknown")


def gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """Return a metric of one value, or of none."""
    family = GaugeMetricFamily(f"vote_app_{name}", text)
    if value is not None:
        family.add_metric([], value)
    return family


def of_each(
    name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], float | None]
) -> Metric:
    """Return a metric with the values that are known, by what their labels say."""
    family = GaugeMetricFamily(f"vote_app_{name}", text, labels=labels)
    for of, value in values.items():
        if value is not None:
            family.add_metric(of, value)
    return family


def families(picture: Picture, failovers: Mapping[str, int], now: float) -> Iterator[Metric]:
    """Yield the metrics that follow from a picture; now is Unix time."""
    yield gauge(
        "picture_age_seconds", "Time since the observer put its picture together.", now - picture["at"]
    )
    yield from _clusters(picture)
    changes = CounterMetricFamily(
        "vote_app_failovers", "Changes of a cluster's primary that this observer saw.", labels=["cluster"]
    )
    for cluster, count in failovers.items():
        changes.add_metric([cluster], count)
    yield changes
    yield from _votes(picture)
    yield from _accounts(picture["accounts"])
    yield from _certificate(picture["certificates"])
    yield from _backups(picture["backups"], picture["at"])
    yield from containers.families(picture["containers"])


def _clusters(picture: Picture) -> Iterator[Metric]:
    known = [each for each in CLUSTERS if picture[each.key]["primary"] is not None]
    yield of_each(
        "cluster_primary",
        "Whether the cluster has one primary that is known.",
        ["cluster"],
        {(each.key,): float(each in known) for each in CLUSTERS},
    )
    yield of_each(
        "cluster_followers",
        "Standbys or replicas that copy from the primary.",
        ["cluster"],
        {(each.key,): len(picture[each.key][each.members]) for each in known},
    )
    yield of_each(
        "replication_lag_bytes",
        "What the primary has written and the node has not.",
        ["cluster", "node"],
        {(each.key, node): lag for each in known for node, lag in picture[each.key]["lag_bytes"].items()},
    )
    yield of_each(
        "open_primaries",
        "Nodes that say that they are a primary which may acknowledge.",
        ["cluster"],
        {("postgres",): picture["open_primaries"]},
    )
    postgres = picture["postgres"]
    synchronous = float(postgres["synchronous"]) if postgres["primary"] else None
    yield gauge("postgres_synchronous", "Whether a standby confirms commits.", synchronous)


def _votes(picture: Picture) -> Iterator[Metric]:
    queue, poll = picture["queue"], picture["poll"]
    waiting = None if queue["pending"] is None else queue["waiting_seconds"]
    oldest = None if queue["pending"] is None else age_seconds(queue["oldest"], picture["at"])
    yield gauge("queue_entries", "Entries of the queue that are not stored yet.", queue["pending"])
    yield gauge("queue_waiting_seconds", "Time for which the same entry has been the oldest.", waiting)
    yield gauge("queue_oldest_seconds", "Age of the oldest entry that is not stored yet.", oldest)
    takes = None if queue["intake"] is None else float(queue["intake"] == OPEN)
    yield gauge("intake_open", "Whether the queue's intake lets votes in.", takes)
    paused = None if queue["intake"] is None else float(queue["intake"] == MAINTENANCE)
    yield gauge("intake_maintenance", "Whether an operator has paused the voting.", paused)
    yield gauge("dead_letters", "Votes that could not be stored.", queue["dead"])
    yield gauge("votes_stored", "Votes in the database.", picture["votes"]["stored"])
    tally = picture["votes"]["tally"] or {}
    yield of_each(
        "option_votes",
        "Votes in the database for each option, by its key.",
        ["option"],
        {(key,): count for key, count in tally.items()},
    )
    runs = None if poll is None else float(poll["state"] == OPEN and not poll["over"])
    yield gauge("poll_open", "Whether the poll takes votes.", runs)


def _accounts(accounts: Mapping[str, Any] | None) -> Iterator[Metric]:
    yield of_each(
        "account_votes",
        "Votes of the poll that are acknowledged, and what became of them, by their numbers.",
        ["state"],
        {(state,): accounts[state] for state in ACCOUNT_STATES} if accounts else {},
    )


def age_seconds(entry: str | None, at: float) -> float:
    """Return how old an entry is at a Unix time, by the milliseconds in its id; 0 for none or a later one."""
    return 0.0 if entry is None else max(0.0, at - int(entry.partition("-")[0]) / 1000)


def _certificate(certificate: Mapping[str, Any] | None) -> Iterator[Metric]:
    ends = certificate and certificate["not_after"]
    yield gauge(
        "certificate_not_after_seconds",
        "When the edges' certificate ends, in Unix time.",
        datetime.fromisoformat(ends).timestamp() if ends else None,
    )
    yield gauge(
        "certificate_problem",
        "Whether the last attempt to get a certificate failed.",
        float(bool(certificate["problem"])) if certificate else None,
    )


def _backups(backups: Mapping[str, Any] | None, at: float) -> Iterator[Metric]:
    if backups is None:
        return
    ends = backups["stop"]
    split = None if backups["code"] is None else float(backups["code"] == DIFFERENT_WAL)
    waits = "Time for which the oldest file of WAL has waited to be stored."
    yield gauge("backups_kept", "Backups in the store.", backups["count"])
    yield gauge(
        "backup_age_seconds",
        "Time since the last backup was complete.",
        max(0.0, at - datetime.fromisoformat(ends).timestamp()) if ends else None,
    )
    yield gauge(
        "backup_problem", "Whether the store or the last backup failed.", float(bool(backups["problem"]))
    )
    yield gauge("backup_runner_silent", "Whether the runner of the backups says nothing.", _silent(backups))
    yield gauge("archive_waiting_files", "Files of WAL that wait to be stored.", backups["waiting"])
    yield gauge("archive_waiting_seconds", waits, backups["oldest_seconds"])
    yield gauge("archive_split", "Whether the store holds other WAL of the same name.", split)
    yield from _drills(backups["drill"] or {}, at)
    yield gauge("wal_bytes", "Size of all WAL on the primary's disk.", backups["wal_bytes"])


def _drills(note: Mapping[str, Any], at: float) -> Iterator[Metric]:
    """Of the last drill that could run: one that could not says nothing of the backups."""
    ran = note.get("ran")
    yield gauge(
        "drill_age_seconds",
        "Time since a backup was last restored to be looked at.",
        max(0.0, at - ran["began"]) if ran else None,
    )
    yield gauge(
        "drill_failed",
        "Whether the last backup that was looked at does not give the votes back.",
        float(ran["outcome"] != "good") if ran else None,
    )


def _silent(backups: Mapping[str, Any]) -> float:
    return float(backups["told"] is None or backups["told"] > SILENT_SECONDS)


def primaries(picture: Picture) -> dict[str, str]:
    """Return the primaries that are known, by cluster."""
    found = {each.key: picture[each.key]["primary"] for each in CLUSTERS}
    return {cluster: node for cluster, node in found.items() if node is not None}


def replaced(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Return the clusters that have another primary than the last that was known."""
    return {cluster for cluster in before.keys() & after.keys() if before[cluster] != after[cluster]}


class Figures(Collector):
    """The metrics of the latest picture; none before the first."""

    def __init__(self) -> None:
        self._picture: Picture | None = None
        self._primaries: dict[str, str] = {}
        self._failovers = {each.key: 0 for each in CLUSTERS}

    def note(self, picture: Picture) -> None:
        """Take a picture in place of the one before."""
        found = primaries(picture)
        for cluster in replaced(self._primaries, found):
            self._failovers[cluster] += 1
        self._primaries |= found
        self._picture = picture

    def collect(self) -> Iterable[Metric]:
        """Yield what the latest picture shows."""
        return () if self._picture is None else families(self._picture, self._failovers, time.time())
