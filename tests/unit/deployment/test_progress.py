"""What the user sees of tasks: one line for each that ends, however many run side by side."""

import io

import pytest
from rich.console import Console

from deployment import progress as module
from deployment.progress import Progress

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


@pytest.fixture(autouse=True)
def _no_time_passes_between_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0)


def on_terminal() -> tuple[Progress, io.StringIO]:
    progress, shown = Progress(), io.StringIO()
    progress.console = Console(file=shown, force_terminal=True, width=60, highlight=False, soft_wrap=True)
    return progress, shown


def test_a_task_alone_needs_no_name_for_its_details(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress().task("Building vote") as task:
        task.detail("Step 1")
    assert capsys.readouterr().err.splitlines() == [
        "  … Building vote",
        "    0 s: Step 1",
        "  ✓ Building vote (0 s)",
    ]


def test_details_of_several_tasks_say_whose_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.task("Building vote") as vote, progress.task("Building worker") as worker:
        vote.detail("Step 1")
        worker.detail("Step [2]")
    assert capsys.readouterr().err.splitlines()[2:] == [
        "    0 s: Building vote: Step 1",
        "    0 s: Building worker: Step [2]",
        "  ✓ Building worker (0 s)",
        "  ✓ Building vote (0 s)",
    ]


def test_a_quiet_one_says_nothing_of_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet=True).task("Building vote") as task:
        task.detail("Step 1")
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_every_task_that_runs_and_gets_its_cursor_back() -> None:
    progress, shown = on_terminal()
    for _ in range(2):
        with progress.task("Building vote") as vote, progress.task("Building worker") as worker:
            vote.detail("Step [1] " + 100 * "x")
            worker.detail("Step 2")
            assert progress._display
            progress._display.refresh()
    text = shown.getvalue()
    assert "Building vote … Step [1]" in text
    assert "Building worker … Step 2" in text
    assert text.count("✓ Building vote") == text.count("✓ Building worker") == 2
    assert text.rfind(SHOW_CURSOR) > text.rfind(HIDE_CURSOR) > 0


def test_tasks_that_are_abandoned_have_failed_and_say_nothing_more() -> None:
    progress, shown = on_terminal()
    with progress.task("Building vote") as task:
        progress.abandon()
        text = shown.getvalue()
        task.detail("Step 2")
    assert "✗ Building vote" in text
    assert text.rfind(SHOW_CURSOR) > text.rfind(HIDE_CURSOR) >= 0
    assert shown.getvalue() == text
