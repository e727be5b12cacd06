from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

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
PROVISIONAL = LOCAL.provisional(NAMES)
NEWEST, ALL = "SELECT max(id)", "SELECT * "
ENDED = datetime.now(UTC) - DAY


def database(*known: Certificate) -> Rows:
    """Return a database that has certificates, the newest first."""
    return Rows(VAULT, {NEWEST: [{"id": len(known) or None}], ALL: [row(each, VAULT) for each in known]})


def keeper(records: Rows, folder: Path, authority: str = ACME) -> Keeper:
    return Keeper(authority, NAMES, records, folder, PROVISIONAL)


def issued(life: timedelta = 90 * DAY) -> Certificate:
    """Return one that a volume can keep, as if an ACME server had signed it."""
    one = local_authority(life)[0].provisional(NAMES)
    return Certificate(ACME, one.names, one.not_before, one.not_after, one.chain, one.key)


def test_with_nothing_at_all_the_provisional_one_is_shown(tmp_path: Path) -> None:
    kept = keeper(database(), tmp_path)
    assert kept.current == PROVISIONAL
    kept.refresh()
    assert kept.current == PROVISIONAL


def test_what_the_database_has_is_shown_and_kept_on_the_volume(tmp_path: Path) -> None:
    one = issued()
    kept = keeper(database(one), tmp_path)
    kept.refresh()
    assert kept.current == one
    assert bundle.read(tmp_path, VAULT) == one


def test_a_start_without_the_database_shows_what_the_volume_has(tmp_path: Path) -> None:
    one = issued()
    bundle.write(tmp_path, VAULT, one)
    records = database()
    records.away = True
    kept = keeper(records, tmp_path)
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    assert kept.current == one


def test_while_the_database_is_away_what_was_is_shown(tmp_path: Path) -> None:
    one = issued()
    records = database(one)
    kept = keeper(records, tmp_path)
    kept.refresh()
    records.away = True
    with pytest.raises(DatabaseAwayError):
        kept.refresh()
    assert kept.current == one


def test_a_database_that_has_lost_all_takes_nothing_away(tmp_path: Path) -> None:
    one = issued()
    bundle.write(tmp_path, VAULT, one)
    kept = keeper(database(), tmp_path)
    kept.refresh()
    assert kept.current == one


def test_certificates_are_fetched_only_when_there_is_a_newer_one(tmp_path: Path) -> None:
    first, second = issued(), issued(91 * DAY)
    records = database(first)
    kept = keeper(records, tmp_path)
    kept.refresh()
    kept.refresh()
    assert records.asked == [NEWEST, ALL, NEWEST]
    records.answers = database(second, first).answers
    kept.refresh()
    assert kept.current == second


def test_a_volume_that_is_full_does_not_keep_the_certificate_from_traefik(tmp_path: Path) -> None:
    one = issued()
    kept = keeper(database(one), tmp_path / "missing")
    kept.refresh()
    assert kept.current == one


# Authority, its certificate that has ended, whether that one is shown rather than the provisional one.
ENDS = {
    "the local authority's": (LOCAL.name, certificate(ENDED, LOCAL.name), False),
    "another authority's": (ACME, certificate(ENDED, ACME), True),
    "the local authority's, while a server's is wanted": (ACME, certificate(ENDED, LOCAL.name), False),
}


@pytest.mark.parametrize("case", ENDS)
def test_of_the_local_authority_a_new_one_is_shown_rather_than_one_that_has_ended(
    case: str, tmp_path: Path
) -> None:
    authority, ended, shown = ENDS[case]
    kept = keeper(database(ended), tmp_path, authority)
    kept.refresh()
    assert kept.current == (ended if shown else PROVISIONAL)
