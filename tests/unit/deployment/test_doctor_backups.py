"""What the doctor says of backups and drills."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from deployment.engine import observer
from deployment.engine.secrets import kits
from deployment.operations.doctor import doctor
from deployment.plan.cluster.picture import UNKNOWN, Backups, Picture
from deployment.plan.doctor import backups
from deployment.plan.doctor.finding import Severity
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.plan.swarm.nodes import Node
from deployment.plan.swarm.placement import THIS_NODE

OK, INFO, NOBODY, WARNING, _ = Severity
NOW = datetime(2026, 11, 29, 15, tzinfo=UTC)
GOOD = {"outcome": "good", "began": NOW.timestamp() - 3600, "backup": "20261129-F", "why": ""}
FOUND = Backups(
    waiting=0, oldest_seconds=0, wal_bytes=0, code=0, label="20261129-F", type="full",
    stop=(NOW - timedelta(hours=2)).isoformat(), count=1, told=2.0, drill={"last": GOOD, "ran": GOOD},
)  # fmt: skip
ALONE, SEVERAL = (THIS_NODE,), (THIS_NODE, THIS_NODE)
BAD = {**GOOD, "outcome": "bad", "why": "a file is damaged"}


@pytest.mark.parametrize(
    ("store", "found", "members", "expected"),
    [
        ("", None, ALONE, [("backups", INFO, "No backups are made.")]),
        ("s3", None, ALONE, [("backups", NOBODY, "Nobody here can say")]),
        ("s3", FOUND, ALONE, [("backups", OK, "Backups: last full, 2 h ago")]),
        ("volume", FOUND, SEVERAL, [("backups", OK, "Drill: good")]),
        ("volume", FOUND, ALONE, [("backups", OK, ""), ("backups.store", WARNING, "on this machine")]),
        (
            "s3",
            replace(FOUND, waiting=None),
            ALONE,
            [("backups", NOBODY, "whether WAL is stored is unknown")],
        ),
        ("s3", replace(FOUND, stop=None), ALONE, [("backups", WARNING, "There is no backup yet")]),
        (
            *("s3", replace(FOUND, stop=(NOW - timedelta(days=2)).isoformat()), ALONE),
            [("backups", WARNING, "The last backup is 2 d old")],
        ),
        (
            *("s3", replace(FOUND, drill={"last": BAD, "ran": BAD}), ALONE),
            [("backups", WARNING, "a file is damaged")],
        ),
        ("s3", replace(FOUND, told=None), ALONE, [("backups", WARNING, "says nothing")]),
    ],
)
def test_backups_are_judged(
    store: str, found: Backups | None, members: tuple[Node, ...], expected: list[tuple[str, Severity, str]]
) -> None:
    judged = backups.judge(store, Picture(NOW.timestamp(), backups=found), members)
    assert [(each.id, each.severity) for each in judged] == [(name, bad) for name, bad, _ in expected]
    assert all(part in each.what for each, (_, _, part) in zip(judged, expected, strict=True))
    assert all(each.command for each in judged if each.severity is not OK)


@pytest.mark.parametrize("store", ["s3", ""])
def test_a_kit_that_is_due_is_a_finding(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    """Who has no kit has the backups for nothing; who makes none needs none for them."""
    release = Release((), {}, {"BACKUP_STORE": store})
    kept = [Deployment(1, "", "", "", "up", release, {})]
    monkeypatch.setattr(observer, "observe", lambda _: Picture(NOW.timestamp(), backups=FOUND))
    monkeypatch.setattr(kits, "reasons", lambda *_: ["nobody has a recovery kit"])
    found = [each for each in doctor._backups(cast(Any, "an engine"), kept, SEVERAL) if "kit" in each.id]
    assert [(each.id, each.severity, each.what, each.command) for each in found] == (
        [("backups.kit", WARNING, "Nobody has a recovery kit.", "python3 deploy.py kit make FILE")]
        if store
        else []
    )


def test_without_an_observer_nothing_is_known() -> None:
    assert [each.severity for each in backups.judge("s3", UNKNOWN, ALONE)] == [NOBODY]
