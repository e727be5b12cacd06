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
    """Wait for a condition and return what it found; fail with a description of what there is instead."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds:g} s: {describe()}")
        time.sleep(POLL_SECONDS)
    return found
