"""Something that goes on while something else is measured."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

TURN_SECONDS = 0.1


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do work in a thread, which is told of the block's end; raise then what it raised."""
    ending = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work, ending)
        try:
            yield
        finally:
            ending.set()
        working.result()


def due(per_second: float, ending: threading.Event) -> Iterator[range]:
    """Yield ten times a second the numbers of what is due since the last time, until told to end."""
    before, began = 0, time.monotonic()
    while not ending.wait(TURN_SECONDS):
        now = round((time.monotonic() - began) * per_second)
        yield range(before, now)
        before = now
