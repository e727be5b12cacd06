"""What a drill makes of what it finds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postgres_ha.backup import verdict
from postgres_ha.backup.report import Backup, Contents
from postgres_ha.backup.room import Room
from postgres_ha.backup.verdict import BadError, Copy, NotRunError, Outcome, Report

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
FIRST = Backup("first", "full", NOON, NOON, 1000, 500, "0" * 24, "0" * 24)
SECOND = replace(FIRST, label="second", type="diff")
COPY = Copy({"a": 2, "b": 1}, {"a": 2, "b": 1}, 77, 77, 1.0)
SEGMENT = 16 * 1024 * 1024
FIFTH = "000000020000000000000005"
WEEK = 7 * 24 * 3600
GIB = 2**30


def report(outcome: Outcome, began: float = 0.0) -> Report:
    return Report(outcome, began, 1.0)


@pytest.mark.parametrize(
    ("backups", "label", "chosen"),
    [((FIRST, SECOND), "", "second"), ((FIRST, SECOND), "first", "first"), ((FIRST,), "", "first")],
)
def test_the_newest_backup_is_chosen_unless_another_is_meant(
    backups: tuple[Backup, ...], label: str, chosen: str
) -> None:
    assert verdict.choose(Contents(True, backups), label, "ok").label == chosen


@pytest.mark.parametrize(
    ("backups", "label", "why"), [((), "", "no backup in the store"), ((FIRST,), "third", "no backup third")]
)
def test_a_backup_that_there_is_not_leaves_all_open(
    backups: tuple[Backup, ...], label: str, why: str
) -> None:
    with pytest.raises(NotRunError, match=why):
        verdict.choose(Contents(True, backups), label, "ok")


@pytest.mark.parametrize(
    ("label", "hours", "chosen"), [("", 3, "second"), ("", 1, "first"), ("first", 3, "first")]
)
def test_of_a_moment_it_is_the_newest_that_was_complete_then(label: str, hours: int, chosen: str) -> None:
    later = replace(SECOND, stop=NOON + timedelta(hours=2))
    found = verdict.choose(Contents(True, (FIRST, later)), label, "ok", NOON + timedelta(hours=hours))
    assert found.label == chosen


@pytest.mark.parametrize(("label", "why"), [("", "no backup is older"), ("second", "no backup is older")])
def test_of_a_moment_before_all_backups_there_is_nothing(label: str, why: str) -> None:
    with pytest.raises(NotRunError, match=why):
        verdict.choose(Contents(True, (FIRST, SECOND)), label, "ok", NOON)


def test_a_copy_that_would_fill_the_disk_is_not_made() -> None:
    """Twice the backup, 2 GiB of WAL, and a fifth of the disk, at most 8 GiB, that nobody takes."""
    backup = replace(FIRST, size=3 * GIB)
    verdict.require_room(backup, Room(10 * GIB, 10 * GIB))
    verdict.require_room(backup, Room(1000 * GIB, 16 * GIB))
    for room in (Room(10 * GIB, 10 * GIB - 1), Room(1000 * GIB, 16 * GIB - 1)):
        with pytest.raises(NotRunError, match="no room for a copy"):
            verdict.require_room(backup, room)


def test_a_copy_that_grows_too_large_is_given_up() -> None:
    verdict.require_still_room(Room(10 * GIB, GIB))
    with pytest.raises(NotRunError, match="was given up"):
        verdict.require_still_room(Room(10 * GIB, GIB - 1))


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"counted": {"a": 2, "b": 2}}, BadError, "option b: 2 votes, the tally says 1"),
        ({"counted": {"a": 2}}, BadError, "option b: 0 votes, the tally says 1"),
        ({"counted": {"a": 2, "b": 1, "c": 1}}, BadError, "option c"),
        ({"hash": 78}, BadError, "fingerprint"),
        ({"fingerprint": None}, NotRunError, "no whole fingerprint"),
        ({"fingerprint": None, "counted": {}}, BadError, "option a: 0 votes"),
    ],
)
def test_a_copy_that_differs_is_bad(change: dict[str, Any], error: type[Exception], why: str) -> None:
    verdict.judge(COPY)
    with pytest.raises(error, match=why):
        verdict.judge(replace(COPY, **change))


def test_an_option_without_votes_is_no_difference() -> None:
    verdict.judge(replace(COPY, tally={**COPY.tally, "c": 0}))


@pytest.mark.parametrize(
    ("asked", "complaints", "error"),
    [
        ([f"{FIFTH} 42"], [f"  repo1: 17-2/{FIFTH}-49.zst [FormatError] zst error"], BadError),
        ([f"{FIFTH} 42"], [f"  repo1: 17-2/{FIFTH}-49.zst [ChecksumError]"], BadError),
        ([f"{FIFTH} 42"], [f"repo1: unable to get {FIFTH} [HostConnectError] timeout"], NotRunError),
        ([f"{FIFTH} 42"], ["repo1: another file [FormatError]"], NotRunError),
        (
            [f"{FIFTH} 42"],
            [f"repo1: unable to get {FIFTH} [CryptoError] unable to verify certificate"],
            NotRunError,
        ),
        ([f"{FIFTH} 104"], [], NotRunError),
    ],
)
def test_wal_that_did_not_come_is_damaged_or_unknown(
    asked: list[str], complaints: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        verdict.require_fetched(["00000002.history 1", *asked], complaints)


def test_the_end_of_the_archive_is_no_damage() -> None:
    verdict.require_fetched(["00000002.history 1", f"{FIFTH} 0", "000000020000000000000006 1"], [])


@pytest.mark.parametrize(
    ("reached", "whole"),
    [(5 * SEGMENT, False), (5 * SEGMENT + 1, True), (6 * SEGMENT, True), (9 * SEGMENT, True), (1, False)],
)
def test_a_copy_has_used_the_archive_when_it_is_in_its_last_segment(reached: int, whole: bool) -> None:
    assert verdict.is_whole(reached, FIFTH) == whole


def test_segments_are_numbered_over_all_log_files() -> None:
    assert verdict.segment("0000000300000002000000FF") == 2 * 256 + 255


@pytest.mark.parametrize(
    ("code", "error"), [(26, BadError), (29, BadError), (55, BadError), (95, BadError), (49, NotRunError)]
)
def test_only_damage_speaks_against_a_backup(code: int, error: type[Exception]) -> None:
    verdict.restored(0, "", "backup x")
    with pytest.raises(error, match="backup x"):
        verdict.restored(code, "said so", "backup x")


def test_a_store_whose_certificate_is_not_good_has_no_damage() -> None:
    complaint = "unable to verify certificate presented by 's3.example.org:443': [10] certificate has expired"
    with pytest.raises(NotRunError, match="has expired"):
        verdict.restored(95, complaint, "backup x")


@pytest.mark.parametrize(
    ("last_words", "error"),
    [
        ("WAL ends before end of online backup", BadError),
        ("could not locate required checkpoint record at 0/2000028", BadError),
        ("recovery ended before configured recovery target was reached", NotRunError),
        ("could not write to file: No space left on device", NotRunError),
    ],
)
def test_a_copy_that_does_not_open_may_lack_its_wal(last_words: str, error: type[Exception]) -> None:
    assert isinstance(verdict.unopened(last_words), error)


def test_a_drill_that_could_not_run_does_not_hide_the_last_one_that_did() -> None:
    bad, away = report(Outcome.BAD), report(Outcome.NOT_RUN, 5.0)
    note = verdict.noted(verdict.noted({}, bad), away)
    assert (note["last"]["outcome"], note["ran"]["outcome"]) == ("not run", "bad")
    assert verdict.noted({}, away)["ran"] is None


@pytest.mark.parametrize(
    ("reports", "now", "due"),
    [
        ([], 0.0, True),
        ([report(Outcome.GOOD)], WEEK - 1, False),
        ([report(Outcome.BAD)], WEEK, True),
        ([report(Outcome.NOT_RUN)], 599, False),
        ([report(Outcome.NOT_RUN)], 600, True),
        ([report(Outcome.GOOD), report(Outcome.NOT_RUN, WEEK)], WEEK + 599, False),
        ([report(Outcome.GOOD), report(Outcome.NOT_RUN, WEEK)], WEEK + 600, True),
        ([report(Outcome.GOOD, WEEK)], WEEK - 1, True),
        ([report(Outcome.NOT_RUN, WEEK)], WEEK - 1, True),
    ],
)
def test_a_drill_is_due_weekly_and_soon_where_it_could_not_run(
    reports: list[Report], now: float, due: bool
) -> None:
    note: dict[str, Any] = {}
    for each in reports:
        note = verdict.noted(note, each)
    assert verdict.is_due(note, now, datetime.fromtimestamp(0, UTC)) == due


@pytest.mark.parametrize(
    ("outcome", "newest", "now", "due"),
    [
        (Outcome.BAD, 700, 800, True),
        (Outcome.BAD, 700, 599, False),
        (Outcome.BAD, 0, 800, False),
        (Outcome.GOOD, 700, 800, False),
    ],
)
def test_a_bad_drill_is_made_again_when_there_is_a_newer_backup(
    outcome: Outcome, newest: int, now: int, due: bool
) -> None:
    note = verdict.noted({}, report(outcome))
    assert verdict.is_due(note, now, datetime.fromtimestamp(newest, UTC)) == due


def test_a_backup_with_damaged_pages_is_drilled_only_by_name() -> None:
    found = Contents(True, (FIRST, replace(SECOND, damaged=True)))
    assert verdict.choose(found, "", "ok").label == "first"
    assert verdict.choose(found, "second", "ok").label == "second"
    with pytest.raises(NotRunError, match="damaged pages in every backup"):
        verdict.choose(Contents(True, (replace(FIRST, damaged=True),)), "", "ok")


def test_what_is_said_of_a_drill_is_short_and_text() -> None:
    said = Report(Outcome.BAD, 0.0, 1.0, "\ufffd\x00" + "x" * 1000).to_json()["why"]
    assert said == "?" + "x" * (verdict.LONGEST_WHY - 1)


def test_who_was_turned_away_meanwhile_is_not_why_a_copy_did_not_open() -> None:
    log = [
        "2026-11-29 15:00:00 UTC [7] FATAL:  recovery ended before configured recovery target was reached",
        "2026-11-29 15:00:00 UTC [9] FATAL:  the database system is not accepting connections",
        "2026-11-29 15:00:00 UTC [1] LOG:  database system is shut down",
    ]
    found = verdict.unopened(verdict.last_words(log))
    assert isinstance(found, verdict.UnreachedError)
    assert verdict.last_words(log[2:]) == "it said nothing"
