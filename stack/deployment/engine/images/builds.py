"""Many images at once: the package managers in their builds wait for the network, not for the cores."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial

from deployment.engine.images import images
from deployment.engine.images.base import Bases
from deployment.engine.images.images import Component
from deployment.engine.machine import engine
from deployment.errors import DeployError
from deployment.progress import Progress

AT_ONCE = 3
# The stage of a Dockerfile that is the same in every one that has it.
SHARED = "installer"
BEGINNING = "what most images begin with"
# What takes longest begins first; the others are alike.
LONGEST = ("postgres", "redis", "result")


def build(wanted: Mapping[Component, str], bases: Bases, progress: Progress) -> None:
    """Build images side by side, after the layers that most of them begin with.

    Raises what the first failure raised. What is built then is kept, and what had begun is built to its end.
    """

    def one(make: Callable[..., None], component: Component, name: str, what: str) -> None:
        # Of its own: docker-py's clients are not made for several threads.
        with closing(engine.require()) as client, progress.task(f"Building {what}") as task:
            make(client, component.context, name, bases.of(component), task)

    ordered = sorted(wanted, key=lambda component: component.name not in LONGEST)
    sharing = next(filter(_shares, ordered), None)
    try:
        if sharing:
            one(images.build_stage, sharing, SHARED, BEGINNING)
        side_by_side([partial(one, images.build, c, wanted[c], wanted[c]) for c in ordered], AT_ONCE)
    except KeyboardInterrupt:
        progress.abandon()
        raise


def _shares(component: Component) -> bool:
    return f" AS {SHARED}\n" in (component.context / "Dockerfile").read_text()


def side_by_side(works: Iterable[Callable[[], None]], at_once: int) -> None:
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
