"""Wait for a condition instead of a time."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.2


def wait_until(condition: Callable[[], bool], seconds: float, describe: Callable[[], str]) -> None:
    """Wait for a condition; fail with a description of what there is instead."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds:g} s: {describe()}")
        time.sleep(POLL_SECONDS)
