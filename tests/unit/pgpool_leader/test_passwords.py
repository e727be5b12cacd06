"""Which of two passwords pgpool takes for good, whatever becomes of one look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pgpool_leader import passwords, tls
from pgpool_leader.leader import Backend
from pgpool_leader.passwords import Passwords
from pgpool_leader.settings import Settings

PRIMARY = Backend("postgres-1", "10.0.0.1")


class OverError(Exception):
    """Ends a loop."""


@pytest.fixture
def known(tmp_path: Path, tls_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Passwords:
    monkeypatch.setattr(passwords, "LOOK_SECONDS", 0)
    roles = {"worker": ("new", "old"), "result": ("one",)}
    return Passwords(Settings(("a", "b", "c"), roles, tls.load(tls_environment), tmp_path))


def test_the_password_that_the_primary_takes_is_tried_first_from_then_on(
    known: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = list[str]()

    def takes(_backend: Backend, _role: str, password: str) -> bool:
        tried.append(password)
        return password == "old"

    monkeypatch.setattr(passwords, "_takes", takes)
    for _ in range(2):
        known._look(PRIMARY)
        assert known.now == {"worker": "old", "result": "one"}
    # A wrong password is a line in the server's log, each time.
    assert tried == ["new", "old", "old"]


def test_a_look_that_fails_is_not_the_last_one(known: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: Iterator[Backend | Exception] = iter([OSError("no room"), PRIMARY, OverError()])

    def served() -> Backend:
        look = next(looks)
        if isinstance(look, Exception):
            raise look
        return look

    monkeypatch.setattr(passwords, "_takes", lambda _backend, _role, password: password == "old")
    with pytest.raises(OverError):
        known._watch(served)
    assert known.now["worker"] == "old"
