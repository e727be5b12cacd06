"""Tell the user what is going on, one line for each thing done and a sign of life while it lasts; and ask."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

HEARTBEAT_SECONDS = 10


class Progress:
    """Lines on stderr; a spinner on a terminal, a line every ten seconds elsewhere.

    `yes` answers every question.
    """

    def __init__(self, *, quiet: bool = False, yes: bool = False) -> None:
        self._yes = yes
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Print one line."""
        self.console.print(line, markup=False)

    def agrees(self, question: str) -> bool:
        """Put a question to the user; where nobody is asked, and nothing was said before, that is a no."""
        return self._yes or (sys.stdin.isatty() and typer.confirm(question, err=True))

    @contextmanager
    def task(self, name: str) -> Iterator["Task"]:
        """Announce a task, show its detail while it runs, and its time when it is done."""
        task = Task(self.console, name)
        if not self.console.is_terminal:
            self.say(f"  … {name}")
        try:
            with self.console.status(f"{name} …") as spinner:
                task.spinner = spinner.update
                yield task
        except BaseException:
            self.say(f"  ✗ {name} ({task.seconds:.0f} s)")
            raise
        self.say(f"  ✓ {name} ({task.seconds:.0f} s)")


class Task:
    """One running task."""

    def __init__(self, console: Console, name: str) -> None:
        self.console = console
        self.name = name
        self.spinner: Callable[[str], None] = lambda _: None
        self.started = self.spoke = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the task began."""
        return time.monotonic() - self.started

    def detail(self, text: str) -> None:
        """Show what the task is doing at this moment."""
        if self.console.is_terminal:
            self.spinner(f"{self.name} … {text[:100]}")
        elif time.monotonic() - self.spoke >= HEARTBEAT_SECONDS:
            self.spoke = time.monotonic()
            self.console.print(f"    {self.seconds:.0f} s: {text[:160]}", markup=False)
