"""What becomes of entries: stored, or moved to the dead letters, never lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from worker.ballot import Ballot, Content, Poison, newest_of_each, packed
from worker.store import OverError, UnstorableError

Save = Callable[[Sequence[Ballot], int], None]
"""Stores ballots of the poll with a number."""
SaveOfPoll = Callable[[Sequence[Ballot]], None]
Delivery = tuple[bytes, Ballot]
"""A ballot with the id of the entry that brought it."""


def store_batch(
    contents: Sequence[Content], save: Save
) -> tuple[list[bytes], Mapping[bytes, Sequence[Poison]]]:
    """Store what can be stored; return the ids of entries without poison, and the poison of the others.

    save raises UnstorableError when the batch holds something that can never be stored, and OverError when
    its poll takes no votes; whatever else it raises passes through, and nothing of the batch is settled.
    """
    poison = {content.entry_id: [*content.poison] for content in contents if content.poison}
    for poll in {content.poll: None for content in contents}:
        deliveries = [
            (each.entry_id, ballot) for each in contents if each.poll == poll for ballot in each.ballots
        ]
        for (entry_id, ballot), reason in _refused(deliveries, poll, save):
            poison.setdefault(entry_id, []).append(Poison(packed(ballot, poll), reason))
    return [content.entry_id for content in contents if content.entry_id not in poison], poison


def _refused(deliveries: Sequence[Delivery], poll: int, save: Save) -> list[tuple[Delivery, str]]:
    """Store ballots of one poll; return those that cannot be stored, with the reason."""
    try:
        return _store_or_find(deliveries, lambda ballots: save(ballots, poll))
    except OverError as error:
        return [(delivery, str(error)) for delivery in deliveries]


def _store_or_find(deliveries: Sequence[Delivery], save: SaveOfPoll) -> list[tuple[Delivery, str]]:
    """Store all that can be stored; return each of the others, with the reason.

    Takes no more statements for each culprit than halvings lead to it, and three.
    """
    culprits = []
    start, size = 0, len(deliveries)
    while start < len(deliveries):
        end = min(start + size, len(deliveries))
        if _refusal(deliveries[start:end], save) is None:
            start, size = end, size * 2
            continue
        start = _store_up_to_culprit(deliveries, start, end, save)
        # By itself: what is refused together may be stored alone.
        if reason := _refusal(deliveries[start : start + 1], save):
            culprits.append((deliveries[start], reason))
        # Where there is one there may be more.
        start, size = start + 1, max(1, size // 2)
    return culprits


def _store_up_to_culprit(deliveries: Sequence[Delivery], start: int, end: int, save: SaveOfPoll) -> int:
    """Store what stands before the first culprit of a group that was refused; return the culprit's place."""
    while end - start > 1:
        middle = (start + end) // 2
        if _refusal(deliveries[start:middle], save) is None:
            start = middle
        else:
            end = middle
    return start


def _refusal(deliveries: Sequence[Delivery], save: SaveOfPoll) -> str | None:
    """Store a group, or return why it cannot be stored."""
    try:
        save(newest_of_each(ballot for _, ballot in deliveries))
    except UnstorableError as error:
        return str(error) or "refused"
    return None
