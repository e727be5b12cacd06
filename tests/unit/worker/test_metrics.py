"""What a worker stores, or cannot, is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from kit.exposition import Scraped, scrape
from kit.services import free_port
from worker import __main__ as program
from worker import exporter, logs, metrics, settings
from worker.account import Row
from worker.ballot import Ballot, Entry
from worker.consume import Consumer
from worker.letter import Letter
from worker.patience import Patience
from worker.store import StoreAwayError, UnstorableError

COUNTS = ("stored_votes_total", "dead_letters_total", "store_retries_total", "commit_seconds_count")
VOTES = Entry(b"1-0", {b"votes": b'[["v", "a", 1], ["w", "b", 1], ["v", "b", 2]]'})
NONSENSE = Entry(b"2-0", {b"nonsense": b"1"})

Save = Callable[[Sequence[Ballot], int, Sequence[Row]], None]


def counts() -> dict[str, float]:
    return {name: REGISTRY.get_sample_value(f"vote_app_{name}") or 0 for name in COUNTS}


def keep(_ballots: Sequence[Ballot], _poll: int, _adds: Sequence[Row]) -> None:
    pass


def refuse(ballots: Sequence[Ballot], _poll: int, _adds: Sequence[Row]) -> None:
    if any(ballot.voter == "w" for ballot in ballots):
        raise UnstorableError("somebody's constraint")


def away_twice() -> Save:
    left = [1, 1]

    def save(_ballots: Sequence[Ballot], _poll: int, _adds: Sequence[Row]) -> None:
        if left:
            left.pop()
            raise StoreAwayError

    return save


@pytest.mark.parametrize(
    ("entries", "save", "stored", "dead", "retries", "commits"),
    [
        ([VOTES], keep, 2, 0, 0, 1),
        ([VOTES, NONSENSE], keep, 2, 1, 0, 1),
        ([VOTES], away_twice(), 2, 0, 2, 1),
        ([VOTES], refuse, 2, 1, 0, 2),
        ([], keep, 0, 0, 0, 0),
    ],
)
def test_what_becomes_of_entries_is_counted(
    tmp_path: Path, entries: Sequence[Entry], save: Save, stored: int, dead: int, retries: int, commits: int
) -> None:
    before, batches = counts(), REGISTRY.get_sample_value("vote_app_batch_votes_sum") or 0
    handle(tmp_path, entries, save)
    assert [counts()[name] - before[name] for name in COUNTS] == [stored, dead, retries, commits]
    assert (REGISTRY.get_sample_value("vote_app_batch_votes_sum") or 0) - batches == 3 * (VOTES in entries)


def test_the_program_serves_them_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    served: Scraped = {}

    class Working:
        def __init__(self, *_: object) -> None:
            pass

        def run(self) -> None:
            served.update(scrape(port))

    registry = CollectorRegistry()
    registry.register(metrics.STORED)
    port, access = free_port(), SimpleNamespace(redis_host="queue")
    configured = SimpleNamespace(metrics_port=port, access=access, heartbeat_file=Path("beat"), closes=None)
    monkeypatch.setattr(settings, "load", lambda: configured)
    monkeypatch.setattr(logs, "configure", lambda: None)
    monkeypatch.setattr(exporter, "REGISTRY", registry)
    monkeypatch.setattr(program, "stop_on_signal", threading.Event)
    for part, double in {"connect_queue": Mock(), "Store": Mock(), "Consumer": Working}.items():
        monkeypatch.setattr(program, part, double)
    program.main()
    assert "vote_app_stored_votes_total" in served


def handle(path: Path, entries: Sequence[Entry], save: Save) -> None:
    """Let a worker handle one batch."""
    stop = threading.Event()

    def bury(_letters: Sequence[Letter]) -> None:
        pass

    stream = SimpleNamespace(take=lambda: entries, remove=lambda _: None)
    parts: dict[str, Any] = {"stream": stream, "store": SimpleNamespace(save=save, bury=bury)}
    Consumer(**parts, patience=Patience(stop, path / "heartbeat"), stop=stop)._handle_batch()
