import json
from pathlib import Path

import pytest

from postgres_ha.backup.cluster import Cluster, cluster_of
from postgres_ha.backup.command import command, failure
from postgres_ha.backup.job import Job, label_in
from postgres_ha.backup.repository import RUNNER_CONF
from postgres_ha.backup.schedule import Due
from unit.postgres_ha.backup.test_report import backup, stanza

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
    assert label_in("P00   INFO: new backup label = 20261129-152242F\n") == "20261129-152242F"
    assert label_in("a\n") == ""


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, *, damaged: bool = False) -> Job:
    """Make a backup with a program that prints what the script does, and notes each verb."""
    (tmp_path / "pgbackrest").write_text(
        f"#!/bin/sh\nfor verb; do :; done\necho $verb >> {tmp_path}/verbs\n{script}"
    )
    (tmp_path / "pgbackrest").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "info").write_text(json.dumps(stanza(backup("L", 2000) | {"error": damaged})))
    job = Job("7", Due("diff", "daily"), tmp_path / "conf").start()
    assert job.over.wait(30)
    return job


SCRIPT = """\
case $verb in
info) cat {folder}/info ;;
backup) echo "new backup label = L"; seq 200 ;;
expire) exit {code} ;;
esac
"""


@pytest.mark.parametrize(
    ("damaged", "code", "verbs"), [(False, 0, "expire"), (True, 0, "info"), (False, 9, "expire")]
)
def test_only_a_backup_that_is_whole_lets_older_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool, code: int, verbs: str
) -> None:
    """And its label is known, however much is said after it."""
    job = made(tmp_path, monkeypatch, SCRIPT.format(folder=tmp_path, code=code), damaged=damaged)
    assert (job.label, job.error) == ("L", "")
    assert ("could not be removed" in job.warning) == bool(code)
    assert (tmp_path / "verbs").read_text().split()[-1] == verbs


@pytest.mark.parametrize(
    ("script", "error"),
    [("printf '\\377\\n'", "named no backup"), ("printf '\\377 away\\n'; exit 9", "away")],
)
def test_whatever_is_said_a_backup_that_is_over_has_a_label_or_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: str
) -> None:
    assert error in made(tmp_path, monkeypatch, script).error


NEW_PRIMARY = """\
[ $verb = backup ] || exec cat {folder}/info
if [ $(grep -c backup {folder}/verbs) -le {times} ]; then
    echo "P00  ERROR: [{code}]: WAL timeline 2 does not match pg_control timeline 1"
    exit {code}
fi
echo "new backup label = L"
"""


@pytest.mark.parametrize(
    ("times", "code", "attempts", "label"), [(0, 58, 1, "L"), (1, 58, 2, "L"), (9, 58, 2, ""), (1, 56, 1, "")]
)
def test_right_after_a_promotion_it_is_made_at_the_second_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, code: int, attempts: int, label: str
) -> None:
    job = made(tmp_path, monkeypatch, NEW_PRIMARY.format(folder=tmp_path, times=times, code=code))
    assert (tmp_path / "verbs").read_text().split().count("backup") == attempts
    assert job.label == label
    assert bool(job.error) != bool(label)


def test_a_command_names_the_configuration_and_the_stanza() -> None:
    assert command(RUNNER_CONF, "backup", "--type=full") == [
        *("pgbackrest", "--config=/run/backup/pgbackrest.conf", "--stanza=votes", "--type=full", "backup")
    ]


@pytest.mark.parametrize(
    ("archive", "expected"),
    [
        ({}, Cluster(4)),
        ({"system": "71"}, Cluster(4, system="71")),
        ({"system": None}, Cluster(4)),
        ({"archive": None}, Cluster(4)),
        ({"archive": {"oldest_seconds": 70.5, "given_up": 5.0}}, Cluster(4, 70.5, 5.0)),
    ],
)
def test_a_primary_says_its_timeline_and_what_waits(archive: dict[str, object], expected: Cluster) -> None:
    """A node of the release before says nothing of its archive."""
    assert cluster_of({"timelines": [[1, 0], [4, 99]], **archive}) == expected
