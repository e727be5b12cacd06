"""What somebody wants of a restoration, and how far the runner of the backups is with it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from deployment.engine import restoration as runner
from deployment.operations.restore import later
from deployment.operations.runner.site import Site
from deployment.plan import restoration as plan
from deployment.plan.restoration import Restoration

Ask = Callable[[str], None]
"""Asks a question; raises DeployError unless the answer is yes."""


class Wanted:
    """What is wanted: the restoration, the one that was `seen` to be kept, and where later votes are written.

    `choose` says what becomes of so many entries that wait in the queue, `ask` asks whether to go on. It has
    `begun` once it is kept: from then on voting may be paused.
    """

    def __init__(
        self,
        restoration: Restoration,
        seen: Restoration | None,
        file: Path,
        ask: Ask,
        choose: Callable[[int], str],
    ) -> None:
        self.restoration, self.seen = replace(restoration, file=later.place(file)), seen
        self.begun = seen is not None and seen.mark == restoration.mark
        self.file, self.ask, self.choose = file, ask, choose
        self._state: dict[str, Any] | None = None
        self._asked = False
        self.unread = 0

    def part(self, site: Site, name: str, say: Callable[[str], None] | None = None) -> Any:
        """Have the runner do a part; raise DeployError."""
        kept = self.restoration
        self._asked = False
        return runner.part(site.engine, name, kept.mark, plan.asked(kept.to), say)

    def state(self, site: Site) -> dict[str, Any] | None:
        """Return how far it is, None before the copy is there; asked again after each part."""
        if not self._asked:
            self._state = self.part(site, "state")
            self._asked = True
        return self._state

    def ended(self, site: Site) -> bool:
        """Say whether one that has begun has ended by now."""
        if not self.begun:
            return False
        self._asked = False
        state = self.state(site)
        return bool(state and state["ended"])

    def swapped(self, site: Site) -> dict[str, Any] | None:
        """Return what was restored, None before that."""
        state = self.state(site)
        return state if state and state["swapped"] else None
