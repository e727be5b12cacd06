"""What the observer's picture means as metrics: nothing is said of what nobody could say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from kit.exposition import Scraped, scrape, told
from kit.services import free_port
from observer import __main__ as program
from observer import settings
from observer.containers import summarize_containers
from observer.metrics import Figures, age_seconds, families, replaced
from observer.picture import (
    count_open_primaries,
    summarize_backups,
    summarize_postgres,
    summarize_queue,
    summarize_redis,
)
from worker import exporter, logs

NOW = 1_000_010.0
UNKNOWN: dict[str, Any] = {
    "at": 1_000_000.0,
    "postgres": summarize_postgres({}),
    "open_primaries": count_open_primaries({}),
    "containers": summarize_containers({}),
    "redis": summarize_redis({}),
    "queue": {**summarize_queue(None, None, None), "waiting_seconds": 0.0},
    "votes": {"stored": None, "tally": None},
    "poll": None,
    "certificates": None,
    "backups": None,
    "accounts": None,
}
ALWAYS = {
    "picture_age_seconds 10.0",
    'cluster_primary{cluster="postgres"} 0.0',
    'cluster_primary{cluster="redis"} 0.0',
    'failovers_total{cluster="postgres"} 2.0',
    'failovers_total{cluster="redis"} 0.0',
}
PRIMARY = {"role": "primary", "open": True, "standbys": ["p2", "p3"], "synchronous": True}
STATES: dict[str, Any] = {"p1": PRIMARY | {"lag_bytes": {"p2": 0, "p3": None}}, "p2": {"role": "standby"}}
OF_POSTGRES = {
    'cluster_primary{cluster="postgres"} 1.0',
    'cluster_followers{cluster="postgres"} 2.0',
    'replication_lag_bytes{cluster="postgres",node="p2"} 0.0',
    'open_primaries{cluster="postgres"} 1.0',
}
NO_POSTGRES = 'cluster_primary{cluster="postgres"} 0.0'
# The second one has no limit, the third is of the release before.
TAKING: dict[str, Any] = {
    "p1": {"container": {"memory": 3500, "memory_limit": 9000, "cpu_seconds": 2.5}},
    "p2": {"container": {"memory": 0, "memory_limit": None, "cpu_seconds": 0.0}},
    "p3": {"role": "standby"},
}
OF_CONTAINERS = {
    'container_memory_bytes{node="p1"} 3500.0',
    'container_memory_limit_bytes{node="p1"} 9000.0',
    'container_cpu_seconds_total{node="p1"} 2.5',
    'container_memory_bytes{node="p2"} 0.0',
    'container_cpu_seconds_total{node="p2"} 0.0',
}
ROLES = {
    "r1": [b"master", 100, [[b"r2", b"6379", b"58"]]],
    "r2": [b"slave", b"r1", 6379, b"connected", 58],
}
OF_REDIS = {
    'cluster_primary{cluster="redis"} 1.0',
    'cluster_followers{cluster="redis"} 1.0',
    'replication_lag_bytes{cluster="redis",node="r2"} 42.0',
}
NO_REDIS = 'cluster_primary{cluster="redis"} 0.0'


def postgres(states: dict[str, Any]) -> dict[str, Any]:
    return {"postgres": summarize_postgres(states), "open_primaries": count_open_primaries(states)}


def queue(
    pending: int | None,
    dead: int | None,
    waiting: float,
    oldest: str | None = None,
    intake: str | None = None,
) -> dict[str, Any]:
    entry = {"pending": pending, "dead": dead, "oldest": oldest, "intake": intake}
    return {"queue": {**entry, "waiting_seconds": waiting}}


def poll(state: str, over: bool | None) -> dict[str, Any]:
    return {"poll": {"state": state, "over": over}}


def certificates(not_after: str | None, problem: str | None) -> dict[str, Any]:
    return {"certificates": {"not_after": not_after, "problem": problem}}


ACCOUNTS = {
    "acknowledged": 9, "stored": 4, "queued": 2, "settling": 1, "dead": 1, "lost": 1, "unknown": 0,
}  # fmt: skip


BACKED_UP: dict[str, Any] = {
    "p1": {
        "role": "primary",
        "open": True,
        "archive": {"waiting": 2, "oldest_seconds": 7.5, "wal_bytes": 64, "code": 45},
        "backup": {"stop": "1970-01-12T13:45:00+00:00", "count": 3, "problem": "full", "age": 2.0},
    },
    "p2": {"archive": {}, "backup": {"stop": None, "count": 0, "problem": "", "age": 90.0}},
}
# Though another node is the primary now.
HAS_MET_A_SPLIT: dict[str, Any] = {"p2": {"role": "standby", "archive": {"code": 45}}}
GIVEN_UP = {"given_up": 1_000_000.0, **BACKED_UP["p1"]["archive"]}
OF_BACKUPS = {
    "backups_kept 3.0",
    "backup_age_seconds 100.0",
    "backup_problem 1.0",
    "backup_runner_silent 0.0",
    "archive_waiting_files 2.0",
    "archive_waiting_seconds 7.5",
    "archive_split 1.0",
    "wal_bytes 64.0",
}


def test_it_is_said_when_wal_was_given_up() -> None:
    """By a primary of before, too: what it gave up is in no backup."""
    found = summarize_backups({**BACKED_UP, "p3": {"role": "standby", "archive": GIVEN_UP}})
    assert found is not None
    assert found["given_up"] == "1970-01-12T13:46:40+00:00"


@pytest.mark.parametrize(
    ("known", "more", "less"),
    [
        ({"backups": summarize_backups({"p1": PRIMARY})}, set(), set()),
        ({"backups": summarize_backups(BACKED_UP)}, OF_BACKUPS, set()),
        (
            {"backups": summarize_backups({"p2": {"archive": {}}})},
            {"backup_runner_silent 1.0", "backup_problem 0.0"},
            set(),
        ),
        (
            {"backups": summarize_backups({"p1": PRIMARY | {"archive": {"code": 0}}, **HAS_MET_A_SPLIT})},
            {"backup_runner_silent 1.0", "backup_problem 0.0", "archive_split 1.0"},
            set(),
        ),
        (
            {"accounts": ACCOUNTS},
            {f'account_votes{{state="{s}"}} {n:.1f}' for s, n in ACCOUNTS.items()},
            set(),
        ),
        (
            {"accounts": {**ACCOUNTS, "lost": None}},
            {f'account_votes{{state="{s}"}} {n:.1f}' for s, n in ACCOUNTS.items() if s != "lost"},
            set(),
        ),
        ({}, set(), set()),
        (postgres(STATES), {*OF_POSTGRES, "postgres_synchronous 1.0"}, {NO_POSTGRES}),
        (
            postgres({**STATES, "p1": STATES["p1"] | {"synchronous": False}}),
            {*OF_POSTGRES, "postgres_synchronous 0.0"},
            {NO_POSTGRES},
        ),
        (
            postgres({"p1": {"role": "primary", "open": True}}),
            {
                'cluster_primary{cluster="postgres"} 1.0',
                'cluster_followers{cluster="postgres"} 0.0',
                'open_primaries{cluster="postgres"} 1.0',
                "postgres_synchronous 0.0",
            },
            {NO_POSTGRES},
        ),
        (postgres({"p2": STATES["p2"]}), {'open_primaries{cluster="postgres"} 0.0'}, set()),
        (postgres({"p1": PRIMARY, "p2": PRIMARY}), {'open_primaries{cluster="postgres"} 2.0'}, set()),
        ({"containers": summarize_containers(TAKING)}, OF_CONTAINERS, set()),
        ({"redis": summarize_redis(ROLES)}, OF_REDIS, {NO_REDIS}),
        (
            queue(3, 0, 12.5, "999987500-4"),
            {
                *("queue_entries 3.0", "queue_waiting_seconds 12.5", "queue_oldest_seconds 12.5"),
                "dead_letters 0.0",
            },
            set(),
        ),
        (
            queue(0, None, 0.0),
            {"queue_entries 0.0", "queue_waiting_seconds 0.0", "queue_oldest_seconds 0.0"},
            set(),
        ),
        (queue(None, None, 0.0), set(), set()),
        (queue(None, None, 0.0, intake="open"), {"intake_open 1.0", "intake_maintenance 0.0"}, set()),
        (
            queue(None, None, 0.0, intake="draining"),
            {"intake_open 0.0", "intake_maintenance 0.0"},
            set(),
        ),
        (
            queue(None, None, 0.0, intake="maintenance"),
            {"intake_open 0.0", "intake_maintenance 1.0"},
            set(),
        ),
        ({"votes": {"stored": 0, "tally": {}}}, {"votes_stored 0.0"}, set()),
        (
            {"votes": {"stored": 5, "tally": {"a": 3, "b": 2}}},
            {"votes_stored 5.0", 'option_votes{option="a"} 3.0', 'option_votes{option="b"} 2.0'},
            set(),
        ),
        (poll("open", False), {"poll_open 1.0"}, set()),
        (poll("open", None), {"poll_open 1.0"}, set()),
        (poll("open", True), {"poll_open 0.0"}, set()),
        (poll("closed", False), {"poll_open 0.0"}, set()),
        (
            certificates("2026-03-01T00:00:00+00:00", ""),
            {"certificate_not_after_seconds 1.7723232e+09", "certificate_problem 0.0"},
            set(),
        ),
        (certificates(None, "refused"), {"certificate_problem 1.0"}, set()),
    ],
)
def test_metrics_follow_from_the_picture(known: dict[str, Any], more: set[str], less: set[str]) -> None:
    lines = told(families(UNKNOWN | known, {"postgres": 2, "redis": 0}, NOW))
    assert len(lines) == len(set(lines))
    assert {line.removeprefix("vote_app_") for line in lines} == (ALWAYS - less) | more


def test_the_program_serves_what_it_saw_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port, served = free_port(), Scraped()
    seen = SimpleNamespace(questions=[], gather=lambda _, at: UNKNOWN | queue(3, 0, 0.0) | {"at": at})

    def wait(_seconds: float) -> bool:
        served.update(scrape(port))
        return True

    monkeypatch.setattr(settings, "load", lambda: SimpleNamespace(metrics_port=port))
    monkeypatch.setattr(logs, "configure", lambda: None)
    monkeypatch.setattr(exporter, "REGISTRY", CollectorRegistry())
    monkeypatch.setattr(program, "stop_on_signal", lambda: SimpleNamespace(wait=wait))
    monkeypatch.setattr(program, "Observer", lambda _: seen)
    monkeypatch.setattr(program, "STATUS_FILE", tmp_path / "status.json")
    program.main()
    assert served["vote_app_queue_entries"] == 3


@pytest.mark.parametrize(
    ("entry", "seconds"),
    [(None, 0.0), ("1000000-0", 0.0), ("999000-7", 1.0), ("0-1", 1000.0), ("1002000-0", 0.0)],
)
def test_an_entry_is_as_old_as_its_id_says(entry: str | None, seconds: float) -> None:
    assert age_seconds(entry, 1000.0) == seconds


@pytest.mark.parametrize(
    ("before", "after", "clusters"),
    [
        ({}, {"redis": "r1"}, set()),
        ({"redis": "r1"}, {"redis": "r1"}, set()),
        ({"redis": "r1"}, {}, set()),
        ({"redis": "r1", "postgres": "p1"}, {"redis": "r2", "postgres": "p1"}, {"redis"}),
    ],
)
def test_a_primary_is_replaced_by_another_and_not_by_none(
    before: dict[str, str], after: dict[str, str], clusters: set[str]
) -> None:
    assert replaced(before, after) == clusters


def test_failovers_are_counted_also_when_nobody_led_in_between() -> None:
    figures = Figures()
    assert list(figures.collect()) == []
    for node in (None, "p1", "p1", None, "p1", None, "p2", "p1"):
        states = {node: PRIMARY} if node else {}
        figures.note(UNKNOWN | postgres(states))
    counted = [line for line in told(figures.collect()) if "failovers" in line]
    assert counted == [
        'vote_app_failovers_total{cluster="postgres"} 2.0',
        'vote_app_failovers_total{cluster="redis"} 0.0',
    ]
