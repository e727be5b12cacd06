"""What pgBackRest says of a store that it cannot use, in the one line that an operator reads."""

import json
from pathlib import Path

import pytest

from postgres_ha.backup.command import PgBackRestError, failure, look

REFUSED = """\
[ProtocolError] HTTP request failed with 403 (Forbidden):
*** Path/Query ***:
GET /votes/?delimiter=%2F&list-type=2&prefix=vote-app%2Fbackup%2F
*** Request Headers ***:
authorization: <redacted>
*** Response Content ***:
<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InvalidAccessKeyId</Code><Message>The access key ID does not exist.</Message></Error>"""
SILENT = """\
[HostConnectError] unable to connect to '192.0.2.10:9000': [111] Connection refused
    [HostConnectError] on 10 retries from 100-5000ms: unable to connect to '192.0.2.10:9000'"""
UNTRUSTED = "[CryptoError] unable to verify certificate presented by '192.0.2.10:9000': [20] no local issuer"


UNREADABLE = """\
[FormatError] unable to load info file '/vote-app/backup.info' or '/vote-app/backup.info.copy':
FormatError: key/value found outside of section at line 1: \x7f\x01x
HINT: backup.info cannot be opened and is required to perform a backup."""
FORBIDDEN = """\
P00  ERROR: [039]: unable to load info file '/a' or '/b':
                   ProtocolError: HTTP request failed with 403 (Forbidden):
                   *** Path/Query ***:
                   HEAD /votes/a"""


def answering(folder: Path, code: int, message: str) -> None:
    """Put a pgBackRest into a folder that answers `info` as the real one does, with exit code 0."""
    status = {"code": code, "message": message}
    told = [{"db": [], "backup": [], "archive": [], "repo": [{"key": 1, "status": status}], "status": status}]
    (folder / "info").write_text(json.dumps(told))
    (folder / "pgbackrest").write_text(f"#!/bin/sh\ncat {folder}/info\n")
    (folder / "pgbackrest").chmod(0o755)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (REFUSED, "HTTP request failed with 403 (Forbidden): InvalidAccessKeyId"),
        (SILENT, "unable to connect to '192.0.2.10:9000': [111] Connection refused"),
        (UNTRUSTED, UNTRUSTED.removeprefix("[CryptoError] ")),
        ("", ""),
        (
            UNREADABLE,
            "unable to load info file '/vote-app/backup.info' or '/vote-app/backup.info.copy': "
            "key/value found outside of section at line 1",
        ),
    ],
)
def test_a_store_that_cannot_be_looked_at_is_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str, expected: str
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    answering(tmp_path, 99, message)
    with pytest.raises(PgBackRestError) as caught:
        look(tmp_path / "conf")
    assert str(caught.value) == expected


@pytest.mark.parametrize("message", ["missing stanza path", "no valid backups"])
def test_a_store_that_is_empty_can_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    answering(tmp_path, 1, message)
    assert look(tmp_path / "conf")[0]["status"]["message"] == message


def test_why_a_store_refuses_a_backup_is_told_though_it_comes_last() -> None:
    said = [f"P00  ERROR: [039]: {REFUSED.partition('] ')[2].splitlines()[0]}", *REFUSED.splitlines()[1:]]
    error = failure([*said, "P00   INFO: backup command end: aborted with exception [039]"], 39)
    assert (str(error), error.code) == ("HTTP request failed with 403 (Forbidden): InvalidAccessKeyId", 39)
    assert str(failure(said[:4], 39)) == "HTTP request failed with 403 (Forbidden)"
    assert str(failure(FORBIDDEN.splitlines(), 39)) == (
        "unable to load info file '/a' or '/b': HTTP request failed with 403 (Forbidden)"
    )
