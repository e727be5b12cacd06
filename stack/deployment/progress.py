"""Tell the user what is going on, one line for each thing done and a sign of life while it lasts; and ask."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import Progress as Display
from rich.progress import SpinnerColumn, TaskID, TextColumn
from rich.table import Column

HEARTBEAT_SECONDS = 10


class Progress:
    """Lines on stderr; a spinner for each task on a terminal, elsewhere its detail every ten seconds at most.

    `yes` answers every question. Tasks may run side by side, in threads.
    """

    def __init__(self, *, quiet: bool = False, yes: bool = False) -> None:
        self._yes = yes
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._running: list[Task] = []
        self._display: Display | None = None
        self._lock = threading.RLock()

    def say(self, line: str) -> None:
        """Print one line."""
        self.console.print(line, markup=False)

    def agrees(self, question: str) -> bool:
        """Put a question to the user; where nobody is asked, and nothing was said before, that is a no."""
        return self._yes or (sys.stdin.isatty() and typer.confirm(question, err=True))

    @contextmanager
    def task(self, name: str) -> Iterator["Task"]:
        """Announce a task, show its detail while it runs, and its time when it is done."""
        task = Task(self, name)
        try:
            with self._lock:
                self._begin(task)
            yield task
        except BaseException:
            self._end(task, "✗")
            raise
        self._end(task, "✓")

    def abandon(self) -> None:
        """Say of all tasks that run that they failed, and nothing more of them, whatever their threads do."""
        with self._lock:
            for task in list(self._running):
                self._end(task, "✗")

    def detail(self, task: "Task", text: str) -> None:
        """Show what a task is doing at this moment."""
        with self._lock:
            if task not in self._running:
                return
            if self._display:
                self._display.update(task.line, description=f"{task.name} … {text}")
            elif time.monotonic() - task.spoke >= HEARTBEAT_SECONDS:
                task.spoke = time.monotonic()
                whose = f"{task.name}: " if len(self._running) > 1 else ""
                self.say(f"    {task.seconds:.0f} s: {whose}{text[:160]}")

    def _begin(self, task: "Task") -> None:
        self._running.append(task)
        if not self.console.is_terminal:
            self.say(f"  … {task.name}")
            return
        if self._display is None:
            self._display = _display(self.console)
            self._display.start()
        task.line = self._display.add_task(f"{task.name} …", total=None)

    def _end(self, task: "Task", mark: str) -> None:
        with self._lock:
            if task not in self._running:
                return
            self._running.remove(task)
            if self._display:
                self._display.remove_task(task.line)
            if self._display and not self._running:
                # One that was stopped would begin again where it ended, over what was printed since.
                self._display.stop()
                self._display = None
            self.say(f"  {mark} {task.name} ({task.seconds:.0f} s)")


def _display(console: Console) -> Display:
    """Return a place on the terminal with a line for each task."""
    whole = Column(no_wrap=True, overflow="ellipsis")
    text = TextColumn("{task.description}", markup=False, table_column=whole)
    return Display(SpinnerColumn(), text, console=console, transient=True)


class Task:
    """One running task."""

    def __init__(self, progress: Progress, name: str) -> None:
        self.name = name
        self.line = TaskID(0)  # of the display
        self._progress = progress
        self.started = self.spoke = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the task began."""
        return time.monotonic() - self.started

    def detail(self, text: str) -> None:
        """Show what the task is doing at this moment."""
        self._progress.detail(self, text)
