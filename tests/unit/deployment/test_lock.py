"""Who comes second is refused at once."""

import os
from pathlib import Path
from typing import IO, cast

import pytest

from deployment.errors import DeployError
from deployment.operations.runner import lock


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("an earlier holder, long gone\n")
    with (
        lock.held(path, "run of the faults"),
        pytest.raises(DeployError) as refused,
        lock.held(path, "run of the faults"),
    ):
        pass
    assert refused.value.what == (
        f"Another run of the faults is at work on this machine (process {os.getpid()})."
    )


def test_it_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.held(tmp_path / "lock"):
            pass


def test_another_user_s_lock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError  # Tests run as root, whom no file refuses.

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DeployError, match="another user's"), lock.held(tmp_path / "lock"):
        pass


def test_a_lock_that_is_there_is_not_created_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel protects files in /tmp, that would be refused to root, too."""
    modes: list[str] = []
    opened = Path.open

    def note(path: Path, mode: str) -> IO[str]:
        modes.append(mode)
        return cast(IO[str], opened(path, mode))

    with monkeypatch.context() as noted:
        noted.setattr(Path, "open", note)
        for _ in range(2):
            with lock.held(tmp_path / "lock"):
                pass
    assert modes == ["a+", "r+"]
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_one_does_not_lock_out_the_other(tmp_path: Path) -> None:
    assert lock.LAB_LOCK_FILE != lock.LOCK_FILE
    with lock.held(tmp_path / "one"), lock.held(tmp_path / "two"):
        pass
