from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from certificates.authority.local import LocalAuthority
from certificates.keeper import Keeper
from certificates.plan.certificate import Certificate
from certificates.state import bundle
from certificates.state.database import DatabaseAwayError
from certificates.state.vault import Vault
from unit.certificates.made import DAY, NAMES, certificate, local_authority
from unit.certificates.stored import Rows, row

VAULT = Vault("secret")
LOCAL, _ = local_authority()
ACME = "https://acme.example/directory"
NEWEST, ALL = "SELECT max(id)", "SELECT * "
VALID, ENDED = datetime.now(UTC) + DAY, datetime.now(UTC) - DAY
RESULT, VOTE = ((name,) for name in NAMES)


def database(*known: Certificate) -> Rows:
    """Return a database that has certificates, the newest first."""
    return Rows(VAULT, {NEWEST: [{"id": len(known) or None}], ALL: [row(each, VAULT) for each in known]})


def away() -> Rows:
    """Return a database that cannot be reached."""
    records = database()
    records.away = True
    return records


def keeper(records: Rows, folder: Path, authority: str = ACME, local: LocalAuthority = LOCAL) -> Keeper:
    return Keeper(authority, NAMES, records, folder, local)


def issued(life: timedelta = 90 * DAY, names: tuple[str, ...] = NAMES, authority: str = ACME) -> Certificate:
    """Return one that a volume can keep, as if an authority had signed it; without a life it has ended."""
    one = local_authority(life)[0].provisional(names)
    return Certificate(authority, one.names, one.not_before, one.not_after, one.chain, one.key)


FOR_BOTH, FOR_VOTE, FOR_RESULT = (certificate(VALID, ACME, names) for names in (NAMES, VOTE, RESULT))
WAS_FOR_BOTH = certificate(ENDED, ACME)
LOCAL_FOR_BOTH, LOCAL_WAS_FOR_BOTH = (certificate(until, LOCAL.name) for until in (VALID, ENDED))

# The authority that is wanted, and what the database has; what is shown, by names where it is a stopgap.
SHOWN: dict[str, tuple[str, list[Certificate], list[Certificate | tuple[str, ...]]]] = {
    "nothing": (ACME, [], [NAMES]),
    "for other names": (ACME, [certificate(VALID, ACME, ("www.example.org",))], [NAMES]),
    "one for both names": (ACME, [FOR_BOTH], [FOR_BOTH]),
    "one for each name": (ACME, [FOR_VOTE, FOR_RESULT], [FOR_RESULT, FOR_VOTE]),
    "one for one name": (ACME, [FOR_VOTE], [FOR_VOTE, RESULT]),
    "one for one name, and for both one that has ended": (
        ACME,
        [FOR_VOTE, WAS_FOR_BOTH],
        [WAS_FOR_BOTH, FOR_VOTE],
    ),
    "one for one name, and for both the local authority's": (
        ACME,
        [FOR_VOTE, LOCAL_FOR_BOTH],
        [LOCAL_FOR_BOTH, FOR_VOTE],
    ),
    "one for one name, and for both the local authority's that has ended": (
        ACME,
        [FOR_VOTE, LOCAL_WAS_FOR_BOTH],
        [FOR_VOTE, RESULT],
    ),
    "the local authority's that begins later, by a clock that is ahead": (
        LOCAL.name,
        [replace(LOCAL_FOR_BOTH, not_before=VALID)],
        [NAMES],
    ),
    "one that has ended": (ACME, [WAS_FOR_BOTH], [WAS_FOR_BOTH]),
    "the local authority's": (LOCAL.name, [LOCAL_FOR_BOTH], [LOCAL_FOR_BOTH]),
    "the local authority's that has ended": (LOCAL.name, [LOCAL_WAS_FOR_BOTH], [NAMES]),
    "the local authority's that has ended, while a server's is wanted": (ACME, [LOCAL_WAS_FOR_BOTH], [NAMES]),
}


@pytest.mark.parametrize("case", SHOWN)
def test_every_name_has_the_best_there_is_and_else_a_stopgap(case: str, tmp_path: Path) -> None:
    authority, known, shown = SHOWN[case]
    kept = keeper(database(*known), tmp_path, authority)
    kept.refresh()
    assert [one if one in known else one.names for one in kept.current] == shown
    stopgaps = [one for one in kept.current if one not in known]
    assert all(one.authority == LOCAL.name and one.not_after > datetime.now(UTC) for one in stopgaps)


def test_a_stopgap_stays_the_same_and_is_not_kept_on_the_volume(tmp_path: Path) -> None:
    kept = keeper(database(), tmp_path)
    first = kept.current
    assert [one.names for one in first] == [NAMES]
    kept.refresh()
    kept.refresh()
    assert kept.current == first
    assert list(tmp_path.iterdir()) == []


def test_a_stopgap_that_has_ended_gives_way_to_a_new_one_even_without_the_database(tmp_path: Path) -> None:
    local, _ = local_authority(timedelta())
    kept = keeper(away(), tmp_path, local.name, local)
    (first,) = kept.current
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    (second,) = kept.current
    assert (second.authority, second.names) == (local.name, NAMES)
    assert second != first


def test_what_ends_while_the_database_is_away_gives_way_too(tmp_path: Path) -> None:
    ending = certificate(datetime.now(UTC) + timedelta(seconds=0.5), LOCAL.name)
    records = database(ending)
    kept = keeper(records, tmp_path, LOCAL.name)
    kept.refresh()
    assert kept.current == [ending]
    records.away = True
    time.sleep(0.6)
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    assert [(one.authority, one.names) for one in kept.current] == [(LOCAL.name, NAMES)]
    assert kept.current[0].not_after > datetime.now(UTC)


def test_what_the_database_has_is_shown_and_kept_on_the_volume(tmp_path: Path) -> None:
    one = issued()
    kept = keeper(database(one), tmp_path)
    kept.refresh()
    assert kept.current == [one]
    assert bundle.read(tmp_path, VAULT) == [one]


def test_beside_a_stopgap_the_others_are_kept_on_the_volume(tmp_path: Path) -> None:
    one = issued(names=VOTE)
    kept = keeper(database(one), tmp_path)
    kept.refresh()
    assert [each.names for each in kept.current] == [VOTE, RESULT]
    assert bundle.read(tmp_path, VAULT) == [one]


def test_a_start_without_the_database_shows_what_the_volume_has(tmp_path: Path) -> None:
    both = [issued(names=names) for names in (RESULT, VOTE)]
    bundle.write(tmp_path, VAULT, both)
    kept = keeper(away(), tmp_path)
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    assert kept.current == both


def test_while_the_database_is_away_what_was_is_shown(tmp_path: Path) -> None:
    one = issued()
    records = database(one)
    kept = keeper(records, tmp_path)
    kept.refresh()
    records.away = True
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    assert kept.current == [one]


def test_a_database_that_has_lost_all_takes_nothing_away(tmp_path: Path) -> None:
    one = issued()
    bundle.write(tmp_path, VAULT, [one])
    kept = keeper(database(), tmp_path)
    kept.refresh()
    assert kept.current == [one]


def test_certificates_are_fetched_only_when_there_is_a_newer_one(tmp_path: Path) -> None:
    first, second = issued(), issued(91 * DAY)
    records = database(first)
    kept = keeper(records, tmp_path)
    kept.refresh()
    kept.refresh()
    assert records.asked == [NEWEST, ALL, NEWEST]
    records.answers = database(second, first).answers
    kept.refresh()
    assert kept.current == [second]


def test_a_volume_that_is_full_keeps_nothing_from_traefik_and_is_tried_again(tmp_path: Path) -> None:
    one, folder = issued(), tmp_path / "missing"
    kept = keeper(database(one), folder)
    with capture_logs() as said:
        kept.refresh()
    assert kept.current == [one]
    events = ["the certificates are not kept on this node's volume", "showing a certificate"]
    assert [line["event"] for line in said] == events
    folder.mkdir()
    kept.refresh()
    assert bundle.read(folder, VAULT) == [one]


@pytest.mark.parametrize("before", [True, False])
def test_what_the_volume_has_is_not_written_again(before: bool, tmp_path: Path) -> None:
    """Whether it was there before the start or came later."""
    one = issued()
    kept = keeper(database(one), tmp_path)
    kept.refresh()
    written = (tmp_path / bundle.NAME).stat().st_ino
    if before:
        kept = keeper(database(one), tmp_path)
    kept.refresh()
    assert (tmp_path / bundle.NAME).stat().st_ino == written


# The authority that is wanted, and what the volume has; whether Traefik may have it.
SPEAKS: dict[str, tuple[str, list[Certificate], bool]] = {
    "nothing": (ACME, [], False),
    "one for both names": (ACME, [issued()], True),
    "one for each name": (ACME, [issued(names=VOTE), issued(names=RESULT)], True),
    "one for one name": (ACME, [issued(names=VOTE)], False),
    "one that has ended": (ACME, [issued(timedelta())], False),
    "one for one name, and for both one that has ended": (
        ACME,
        [issued(names=VOTE), issued(timedelta())],
        False,
    ),
    "another authority's": (ACME, [issued(authority=LOCAL.name)], True),
    "nothing, and the local authority is wanted": (LOCAL.name, [], True),
    "one that has ended, and the local authority is wanted": (
        LOCAL.name,
        [issued(timedelta(), authority=LOCAL.name)],
        True,
    ),
}


@pytest.mark.parametrize("case", SPEAKS)
def test_a_copy_speaks_before_the_database_only_if_it_knows_enough(case: str, tmp_path: Path) -> None:
    authority, known, speaks = SPEAKS[case]
    bundle.write(tmp_path, VAULT, known)
    kept = keeper(away(), tmp_path, authority)
    assert kept.speaks == speaks
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    assert kept.speaks == speaks


def test_a_copy_speaks_once_it_has_read_the_database_even_if_that_is_empty(tmp_path: Path) -> None:
    records = away()
    kept = keeper(records, tmp_path)
    records.away = False
    assert not kept.speaks
    kept.refresh()
    assert kept.speaks
    records.away = True
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    assert kept.speaks
