"""What becomes of entries: stored, or moved to the dead letters, never lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from worker.ballot import Ballot, Content, Poison, halves, newest_of_each, packed
from worker.store import UnstorableError

Save = Callable[[Sequence[Ballot]], None]
Delivery = tuple[bytes, Ballot]
"""A ballot with the id of the entry that brought it."""


def store_batch(
    contents: Sequence[Content], save: Save
) -> tuple[list[bytes], Mapping[bytes, Sequence[Poison]]]:
    """Store what can be stored; return the ids of entries without poison, and the poison of the others.

    save raises UnstorableError when the batch holds something that can never be stored; whatever
    else it raises passes through, and nothing of the batch is settled.
    """
    poison = {content.entry_id: [*content.poison] for content in contents if content.poison}
    deliveries = [(content.entry_id, ballot) for content in contents for ballot in content.ballots]
    for (entry_id, ballot), reason in _store_or_split(deliveries, save):
        poison.setdefault(entry_id, []).append(Poison(packed(ballot), reason))
    return [content.entry_id for content in contents if content.entry_id not in poison], poison


def _store_or_split(deliveries: Sequence[Delivery], save: Save) -> list[tuple[Delivery, str]]:
    """Store a group; when it is refused, its halves, until the culprit stands alone with the reason."""
    if not deliveries:
        return []
    try:
        save(newest_of_each(ballot for _, ballot in deliveries))
    except UnstorableError as error:
        if len(deliveries) == 1:
            return [(deliveries[0], str(error))]
        first, second = halves(deliveries)
        return _store_or_split(first, save) + _store_or_split(second, save)
    return []
