"""The dead letters, votes that could not be stored: an observer of this node asks the database for them."""

from collections.abc import Iterator, Mapping
from typing import Any

from deployment.engine import observer
from deployment.engine.machine.engine import Client

PROGRAM = ("python", "-m", "worker.dead")


def listing(client: Client, limit: int) -> dict[str, Any]:
    """Return how many letters there are, and the latest."""
    return observer.answer(client, *PROGRAM, "list", "--limit", str(limit))


def export(client: Client) -> Iterator[bytes]:
    """Yield all letters as JSON lines, in pieces."""
    return observer.output(client, *PROGRAM, "export")


def replay(client: Client) -> dict[str, Any]:
    """Read all letters once more; return how many were `stored` as votes, and how many are `left`."""
    return observer.answer(client, *PROGRAM, "replay")


def purge(client: Client, listed: Mapping[str, Any]) -> int:
    """Delete what was listed, for good; return the number. Deletes nothing if it has changed since."""
    answer = observer.answer(
        client, *PROGRAM, "purge", "--until", listed["until"], f"--seal={listed['seal']}"
    )
    return int(answer["deleted"])


def line(letter: Mapping[str, Any]) -> str:
    """Say in one line what a letter is."""
    return (
        f"{letter['at']}  {letter['entry']}  {letter['reason']}  ({letter['bytes']} bytes) {letter['begins']}"
    )
