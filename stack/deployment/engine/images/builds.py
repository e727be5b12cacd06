"""Many images at once: the package managers in their builds wait for the network, not for the cores."""

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial

from deployment.engine.images import images
from deployment.engine.images.base import Bases
from deployment.engine.images.images import Component
from deployment.engine.images.parallel import side_by_side
from deployment.engine.machine import engine
from deployment.progress import Progress

AT_ONCE = 3
# The stage of a Dockerfile that is the same in every one that has it.
SHARED = "installer"
BEGINNING = "what most images begin with"
# What takes longest begins first; the others are alike.
LONGEST = ("postgres", "redis", "pgpool")


def build(wanted: Mapping[Component, str], bases: Bases, progress: Progress) -> None:
    """Build images side by side, after the layers that most of them begin with.

    Raises what the first failure raised. What is built then is kept, and what had begun is built to its end.
    """

    def one(make: Callable[..., None], component: Component, name: str, what: str) -> None:
        # Of its own: docker-py's clients are not made for several threads.
        with closing(engine.require()) as client, progress.task(f"Building {what}") as task:
            make(client, component.context, name, bases.of(component), task)

    # Not the longest: with the stage come all that stand before it in the Dockerfile, a compiler's for redis.
    sharing = next(filter(_shares, wanted), None)
    if sharing:
        one(images.build_stage, sharing, SHARED, BEGINNING)
    ordered = sorted(wanted, key=lambda component: component.name not in LONGEST)
    works = [partial(one, images.build, c, wanted[c], wanted[c]) for c in ordered]
    side_by_side(works, AT_ONCE, progress)


def _shares(component: Component) -> bool:
    return f" AS {SHARED}\n" in (component.context / "Dockerfile").read_text()
