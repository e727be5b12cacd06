"""Whose the store is: what is said of it, and when it is given to another database."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from deployment.plan.cluster import backups
from postgres_ha.backup import adoption, drill
from postgres_ha.backup.adoption import AdoptionError, adopt, described, foreign
from postgres_ha.backup.live import Live
from postgres_ha.backup.report import Backup, Contents
from unit.postgres_ha.backup.test_report import TWO, backup, stanza, wal_of

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
OF_FORMER = Backup("L", "full", NOON, NOON, 9, 1, "0" * 24, "0" * 24, database=1)
OF_THIS = Backup("M", "full", NOON, NOON, 9, 1, "0" * 24, "0" * 24, database=2)


@pytest.mark.parametrize(
    ("store", "database", "is_foreign"),
    [
        pytest.param("71", "72", True, id="of another database"),
        pytest.param("71", "71", False, id="of this one, also after a split brain"),
        pytest.param("71", "", False, id="without a primary nobody knows"),
        pytest.param("", "72", False, id="an empty store is nobody's"),
    ],
)
def test_whose_the_store_is(store: str, database: str, *, is_foreign: bool) -> None:
    said = foreign(store, database)
    assert bool(said) == is_foreign
    assert not said or said.startswith(backups.FOREIGN)


@pytest.mark.parametrize(
    ("store", "is_foreign", "stored"),
    [
        (Contents(True, (OF_FORMER,), database=1, system="71"), True, False),
        (Contents(True, (OF_FORMER,), database=2, system="72"), False, False),
        (Contents(True, (OF_FORMER, OF_THIS), database=2, system="72"), False, True),
        (Contents(True, (), database=2, system="72"), False, False),
    ],
)
def test_what_is_left_to_do(store: Contents, *, is_foreign: bool, stored: bool) -> None:
    found = described(store, system="72", voted=True)
    assert (found["foreign"], found["stored"], found["backups"]) == (is_foreign, stored, len(store.backups))


@pytest.mark.parametrize(("seen", "changes"), [((True, False), 1), ((False,), 0), ((True, True), 1)])
def test_only_a_store_of_another_database_is_given(
    monkeypatch: pytest.MonkeyPatch, seen: tuple[bool, ...], changes: int
) -> None:
    """And it is asked for again whose it is then."""
    answers: list[dict[str, Any]] = [{"foreign": each, "store": "71"} for each in seen]
    changed: list[str] = []
    monkeypatch.setattr(adoption, "possible", lambda *_: answers.pop(0))
    monkeypatch.setattr(adoption, "change", lambda _conf, verb: changed.append(verb))
    if seen[-1]:
        with pytest.raises(AdoptionError, match="still"):
            adopt(Path(), cast(Live, None))
    else:
        assert not adopt(Path(), cast(Live, None))["foreign"]
    assert changed == ["stanza-upgrade"] * changes


@pytest.mark.parametrize(("label", "wal"), [("old", "former"), ("new", "own"), ("", "own")])
def test_a_copy_is_to_reach_the_last_wal_of_its_own_database(
    monkeypatch: pytest.MonkeyPatch, label: str, wal: str
) -> None:
    made = (backup("old", 1000), backup("new", 2000, database=2))
    archive = [wal_of(1, "former"), wal_of(2, "own")]
    status = {"message": "ok"}
    monkeypatch.setattr(drill, "look", lambda _conf: stanza(*made, db=TWO, archive=archive, status=status))
    places = drill.Places(Path(), Path(), Path())
    assert drill.choose(places, label, None).wal_stop == wal
