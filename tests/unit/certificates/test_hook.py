import time
from pathlib import Path

import pytest

from certificates.outside import hook
from certificates.outside.hook import Hook, HookError, wait_for_text
from certificates.outside.names import NamesError, Resolver
from kit.waiting import wait_until

NAME, VALUE = "_acme-challenge.vote.example.org", "x7-Qmv9"


def made(folder: Path, text: str, mode: int = 0o755) -> Hook:
    path = folder / "hook"
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(mode)
    return Hook(str(path))


def test_the_hook_gets_action_name_and_value(tmp_path: Path) -> None:
    ran = made(tmp_path, f'echo "$@" >> {tmp_path}/ran')
    ran.present(NAME, VALUE)
    ran.cleanup(NAME, VALUE)
    assert (tmp_path / "ran").read_text() == f"present {NAME} {VALUE}\ncleanup {NAME} {VALUE}\n"


def test_a_failure_is_told_with_what_the_hook_says(tmp_path: Path) -> None:
    failing = made(tmp_path, "echo one; echo the zone is locked >&2; exit 3")
    with pytest.raises(HookError) as failure:
        failing.present(NAME, VALUE)
    said = "ended with code 3: one the zone is locked"
    assert str(failure.value) == f"The hook {tmp_path}/hook present {NAME} {said}"


def test_of_many_words_the_last_are_told(tmp_path: Path) -> None:
    with pytest.raises(HookError, match=r": x{900,1000} the last$"):
        made(tmp_path, "head -c 100000 /dev/zero | tr '\\0' x; echo; echo the last; exit 1").cleanup(
            NAME, VALUE
        )


@pytest.mark.parametrize(("mode", "why"), [(0o644, "Permission denied"), (None, "No such file or directory")])
def test_a_hook_that_cannot_run(mode: int | None, why: str, tmp_path: Path) -> None:
    absent = Hook(str(tmp_path / "hook")) if mode is None else made(tmp_path, "true", mode)
    with pytest.raises(HookError, match=f"hook cannot be run: {why}$"):
        absent.present(NAME, VALUE)


def test_a_hook_that_hangs_ends_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "HOOK_SECONDS", 0.5)
    hanging = made(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; echo waiting; wait")
    with pytest.raises(HookError, match=r"did not end within 0.5 s: waiting$"):
        hanging.present(NAME, VALUE)
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    wait_until(lambda: not child.exists() or child.read_text().split()[2] == "Z")


class Texts(Resolver):
    """Shows one answer after the other, and the last for ever."""

    def __init__(self, *answers: tuple[str, ...] | NamesError) -> None:
        self._answers = list(answers)

    def texts(self, name: str) -> tuple[str, ...]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, NamesError):
            raise answer
        return answer


def test_a_text_is_waited_for() -> None:
    resolver = Texts((), NamesError("no DNS"), ("other",), ("other", VALUE))
    wait_for_text(resolver, NAME, VALUE, seconds=10, pause=0.01)


@pytest.mark.parametrize(
    ("answer", "why"),
    [((), "it shows none"), (("a", "b"), "it shows a, b"), (NamesError("no DNS"), "no DNS")],
)
def test_a_text_that_does_not_come(answer: tuple[str, ...] | NamesError, why: str) -> None:
    begin = time.monotonic()
    with pytest.raises(HookError, match=rf"does not show the TXT record of {NAME} within 0.1 s: {why}$"):
        wait_for_text(Texts(answer), NAME, VALUE, seconds=0.1, pause=0.02)
    assert time.monotonic() - begin < 1
