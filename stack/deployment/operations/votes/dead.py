"""The dead letters, votes that could not be stored: an observer of this node asks the database for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from deployment.engine import observer
from deployment.engine.machine.engine import Client
from deployment.operations.runner.site import Site

PROGRAM = ("python", "-m", "worker.dead")


def listing(client: Client, limit: int) -> dict[str, Any]:
    """Return how many letters there are, and the latest."""
    return observer.answer(client, *PROGRAM, "list", "--limit", str(limit))


def export(client: Client) -> Iterator[bytes]:
    """Yield all letters as JSON lines, in pieces."""
    return observer.output(client, *PROGRAM, "export")


class Replay:
    """All letters that there were have been read once more: `stored` are votes now, `left` are not."""

    touches = False

    def __init__(self) -> None:
        self.stored = self.left = 0
        self._done = False

    def missing(self, site: Site) -> list[str]:
        """Say how many letters there are to read, until that was done."""
        count = 0 if self._done else listing(site.engine, 0)["count"]
        return [f"read {count} dead letters once more"] if count else []

    def do(self, site: Site) -> None:
        """Read them, as a worker does."""
        found = observer.answer(site.engine, *PROGRAM, "replay")
        self.stored, self.left, self._done = found["stored"], found["left"], True


class Purge:
    """The letters that there were at the first look are deleted for good."""

    touches = False

    def __init__(self) -> None:
        self._listed: Mapping[str, Any] | None = None
        self.deleted = 0

    def count(self, site: Site) -> int:
        """Return how many there are to delete."""
        return int(self._letters(site)["count"]) - self.deleted

    def missing(self, site: Site) -> list[str]:
        """Say how many are to be deleted."""
        left = self.count(site)
        return [f"delete {left} dead letters for good"] if left else []

    def do(self, site: Site) -> None:
        """Delete them; none, and DeployError, if there are others by now."""
        listed = self._letters(site)
        told = ("--until", listed["until"], f"--seal={listed['seal']}")
        self.deleted = int(observer.answer(site.engine, *PROGRAM, "purge", *told)["deleted"])

    def _letters(self, site: Site) -> Mapping[str, Any]:
        """Return what there was at the first look."""
        self._listed = self._listed or listing(site.engine, 0)
        return self._listed


def line(letter: Mapping[str, Any]) -> str:
    """Say in one line what a letter is."""
    return (
        f"{letter['at']}  {letter['entry']}  {letter['reason']}  ({letter['bytes']} bytes) {letter['begins']}"
    )
