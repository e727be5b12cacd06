from datetime import UTC, datetime

import pytest

from postgres_ha.backup.cluster import Cluster, cluster_of
from postgres_ha.backup.command import PgBackRestError, command, failure
from postgres_ha.backup.job import label_in
from postgres_ha.backup.repository import RUNNER_CONF
from postgres_ha.backup.watch import was_away

FAILED = (
    "2026-11-29 15:22:42.390 P00   WARN: unable to check pg2: [DbConnectError] raised from remote-0",
    "2026-11-29 15:22:42.393 P00  ERROR: [056]: unable to find primary cluster - cannot proceed",
    "2026-11-29 15:22:42.394 P00   INFO: backup command end: aborted with exception [056]",
)


def test_the_reason_of_a_failure_is_pgbackrests_own() -> None:
    error = failure(FAILED, 56)
    assert (str(error), error.code) == ("unable to find primary cluster - cannot proceed", 56)


@pytest.mark.parametrize(
    ("lines", "expected"), [((), "it ended with 9"), (("segmentation fault\n",), "segmentation fault")]
)
def test_a_failure_without_an_error_is_told_all_the_same(lines: tuple[str, ...], expected: str) -> None:
    assert str(failure(lines, 9)) == expected


def test_the_label_is_in_what_pgbackrest_says() -> None:
    assert label_in(["a\n", "P00   INFO: new backup label = 20261129-152242F\n"]) == "20261129-152242F"
    with pytest.raises(PgBackRestError, match="named no backup"):
        label_in(["a\n"])


def test_a_command_names_the_configuration_and_the_stanza() -> None:
    assert command(RUNNER_CONF, "backup", "--type=full") == [
        *("pgbackrest", "--config=/run/backup/pgbackrest.conf", "--stanza=votes", "--type=full", "backup")
    ]


@pytest.mark.parametrize(
    ("archive", "expected"),
    [({}, 0.0), ({"archive": None}, 0.0), ({"archive": {"oldest_seconds": 70.5}}, 70.5)],
)
def test_a_primary_says_its_timeline_and_what_waits(archive: dict[str, object], expected: float) -> None:
    """A node of the release before says nothing of its archive."""
    assert cluster_of({"timelines": [[1, 0], [4, 99]], **archive}) == Cluster(4, expected)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [(None, True), ("2026-11-29T11:58:50+00:00", True), ("2026-11-29T11:59:10+00:00", False)],
)
def test_where_nobody_has_looked_wal_may_be_missing(seen: str | None, expected: bool) -> None:
    """Between turning backups off and on again, WAL goes nowhere."""
    assert was_away(seen, datetime(2026, 11, 29, 12, 0, tzinfo=UTC)) is expected
