"""Wait for a condition instead of a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

POLL_SECONDS = 0.1


def wait_until(
    condition: Callable[[], Found | None],
    seconds: float = 20.0,
    describe: Callable[[], str] = lambda: "it did not happen",
) -> Found:
    """Wait for a condition and return what it found; fail with a description of what there is instead.

    To ask takes no more than half of the time: what is asked needs the machine, too.
    """
    deadline = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        if found := condition():
            return found
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"not so within {seconds:g} s: {describe()}")
        time.sleep(max(POLL_SECONDS, now - asked))
