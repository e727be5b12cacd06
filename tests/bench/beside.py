"""Something that goes on while something else is measured."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


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
