"""A fault as data: its name, how it strikes, and what it may cost."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from kit.waiting import wait_until
from swarm.cluster import Cluster
from swarm.lab.lab import Node
from swarm.outcome import Limits

SERVED_SECONDS = 120


class Crowd(Protocol):
    """What a fault may ask of the load while it lasts."""

    def served_since(self, moment: float) -> bool:
        """Whether since then a vote was acknowledged and every viewer saw the total move."""


@dataclass
class Scene:
    """Where a fault strikes; `heals` is carried out when the strike is over, however it ends."""

    cluster: Cluster
    crowd: Crowd
    heals: ExitStack
    timeline: list[tuple[float, str]] = field(default_factory=list)
    edges: set[str] = field(default_factory=set)
    whole: float | None = None  # the moment of full strength, if the strike waited for it itself
    _over: float | None = None

    def note(self, what: str) -> None:
        """Write down what is done now; the first note is the moment of the fault.

        The last is its end, unless the strike says otherwise (`ended`).
        """
        self.timeline.append((time.monotonic(), what))

    def ended(self) -> None:
        """Say that the fault, or the last step of it so far, is over now: everything may recover."""
        self._over, self.whole = time.monotonic(), None

    def wait_whole(self) -> None:
        """Wait for full strength within the strike, which then goes on or only tidies up."""
        self.whole = self.cluster.wait_healthy()

    def blame(self, *nodes: Node) -> None:
        """Say that the edge of these nodes dies, with the requests in flight on it."""
        self.edges.update(node.address for node in nodes)

    def last(self, seconds: float) -> None:
        """Let the fault last."""
        time.sleep(seconds)

    def wait_served(self) -> None:
        """Wait until votes are acknowledged and results move although the fault lasts."""
        since = time.monotonic()
        wait_until(lambda: self.crowd.served_since(since), SERVED_SECONDS, self.cluster.describe)

    def heal(self, what: str, action: Callable[[], object]) -> None:
        """Undo something when the strike is over, with a note of it."""

        def act() -> None:
            action()
            self.note(what)

        self.heals.callback(act)

    @property
    def struck(self) -> float:
        """The moment of the fault."""
        return self.timeline[0][0] if self.timeline else time.monotonic()

    @property
    def over(self) -> float:
        """The moment from which everything may recover."""
        if self._over is not None:
            return self._over
        return self.timeline[-1][0] if self.timeline else time.monotonic()


Strike = Callable[[Scene], None]


@dataclass(frozen=True)
class Fault:
    """One row of the table; those of `ci` are the ones that always run."""

    name: str
    strike: Strike
    limits: Limits
    ci: bool = False

    def __str__(self) -> str:
        return self.name
