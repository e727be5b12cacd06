"""What becomes of a batch: stored, or moved to the dead letters, never lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from worker.ballot import Ballot, Delivery, Entry, Poison, halves, newest_of_each, sort_out
from worker.store import UnstorableError

Save = Callable[[Sequence[Ballot]], None]


def store_batch(entries: Sequence[Entry], save: Save) -> tuple[list[bytes], list[Poison]]:
    """Store what can be stored; return the ids of those entries, and the others with reasons.

    save raises UnstorableError when the batch holds something that can never be stored; whatever
    else it raises passes through, and nothing of the batch is settled.
    """
    deliveries, malformed = sort_out(entries)
    refused = _store_or_split(deliveries, save)
    poison = [*malformed, *refused]
    bad = {each.entry.entry_id for each in poison}
    return [entry.entry_id for entry in entries if entry.entry_id not in bad], poison


def _store_or_split(deliveries: Sequence[Delivery], save: Save) -> list[Poison]:
    """Store a group; when it is refused, its halves, until the culprit stands alone."""
    if not deliveries:
        return []
    try:
        save(newest_of_each(delivery.ballot for delivery in deliveries))
    except UnstorableError as error:
        if len(deliveries) == 1:
            return [Poison(deliveries[0].entry, str(error))]
        first, second = halves(deliveries)
        return _store_or_split(first, save) + _store_or_split(second, save)
    return []
