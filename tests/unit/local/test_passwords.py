"""Passwords are made once, and Redis knows those of its accounts."""

import re
from pathlib import Path

import pytest

from local import passwords
from redis_gate.acl import REDIS_RULES

NAMES = ["redis_ballot_password", "redis_worker_password", "voter_cookie_key"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "FOLDER", tmp_path)


def test_each_is_made_once_and_they_differ(tmp_path: Path) -> None:
    first = passwords.make(tmp_path, NAMES)
    assert len(set(first.values())) == len(NAMES)
    assert all(re.fullmatch(r"[\w-]{43}", text) for text in first.values())
    assert passwords.make(tmp_path, [*NAMES, "another"]).items() > first.items()


def test_users_of_the_other_containers_may_read_them_and_nobody_may_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    passwords.main(NAMES)
    passwords.main(NAMES)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert {path.name for path in tmp_path.iterdir()} == {*NAMES, "users.acl"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o444}


def test_a_draft_that_was_left_read_only_is_in_nobody_s_way(tmp_path: Path) -> None:
    draft = tmp_path / "voter_cookie_key.new"
    draft.write_text("half")
    draft.chmod(0o444)
    (tmp_path / "kept").hardlink_to(draft)
    passwords.main(NAMES)
    assert not draft.exists()
    assert len((tmp_path / "voter_cookie_key").read_text()) == 43
    assert (tmp_path / "kept").read_text() == "half"  # root could have written into it


def test_redis_has_the_cluster_s_accounts_whose_passwords_there_are(tmp_path: Path) -> None:
    passwords.main(NAMES)
    default, *users = (tmp_path / "users.acl").read_text().splitlines()
    assert default.startswith("user default off ")
    assert [line.split()[1] for line in users] == ["ballot", "worker"]
    assert all(line.endswith(REDIS_RULES[line.split()[1]]) for line in users)
    assert not any((tmp_path / name).read_text() in "".join(users) for name in NAMES)
