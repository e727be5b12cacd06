"""Several works at once, as images are built and pushed."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

from deployment.errors import DeployError
from deployment.progress import Progress


def side_by_side(works: Iterable[Callable[[], None]], at_once: int, progress: Progress) -> None:
    """Do works in threads, so many at once; after a failure none begins, and the first is raised at the end.

    If others failed, too, its evidence ends with what they said. Whoever interrupts this leaves the threads
    behind, which end with the program.
    """
    waiting, failures = deque(works), list[Exception]()

    def go_on() -> None:
        while not failures:
            try:
                work = waiting.popleft()
            except IndexError:
                return
            try:
                work()
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)

    threads = [threading.Thread(target=go_on, daemon=True) for _ in range(min(at_once, len(waiting)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        waiting.clear()
        progress.abandon()
        raise
    if failures:
        raise _first(*failures)


def _first(failure: Exception, *others: Exception) -> Exception:
    """Return a failure, with why others failed at the end of its evidence."""
    if isinstance(failure, DeployError):
        for other in others:
            shown = other.evidence if isinstance(other, DeployError) else []
            failure.evidence = [*failure.evidence, str(other), *shown]
    return failure
