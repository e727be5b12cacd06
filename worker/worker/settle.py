"""What becomes of entries: stored, or moved to the dead letters, never lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from worker.account import Mark, Numbers, Row, joined, rows
from worker.ballot import Ballot, Content, Poison, newest_of_each, packed
from worker.store import OverError, UnstorableError

Save = Callable[[Sequence[Ballot], int, Sequence[Row]], None]
"""Stores ballots of the poll with a number, and what they add to the accounts."""
SaveOfPoll = Callable[[Sequence[Ballot], Sequence[Row]], None]
Delivery = tuple[bytes, Ballot, str, int]
"""A ballot with the id of the entry that brought it, and its number in the account of a process, if any."""


def store_batch(
    contents: Sequence[Content], save: Save
) -> tuple[list[bytes], Mapping[bytes, Sequence[Poison]]]:
    """Store what can be stored; return the ids of entries without poison, and the poison of the others.

    save raises UnstorableError when the batch holds something that can never be stored, and OverError when
    its poll takes no votes; whatever else it raises passes through, and nothing of the batch is settled.
    """
    poison = {content.entry_id: [*content.poison] for content in contents if content.poison}
    for poll in {content.poll: None for content in contents}:
        of_poll = [each for each in contents if each.poll == poll]
        marks = [each.mark for each in of_poll if each.mark]
        for (entry_id, ballot, process, number), reason in _refused(of_poll, marks, poll, save):
            numbers = Numbers(process, number) if process else None
            poison.setdefault(entry_id, []).append(Poison(packed(ballot, poll, numbers), reason))
    return [content.entry_id for content in contents if content.entry_id not in poison], poison


def _refused(
    contents: Sequence[Content], marks: Sequence[Mark], poll: int, save: Save
) -> list[tuple[Delivery, str]]:
    """Store ballots of one poll, and marks with them; return those that cannot be stored, with the reason."""
    try:
        if _stored_at_once(contents, marks, poll, save):
            return []
        deliveries = _deliveries(contents)
        culprits = _store_or_find(deliveries, marks, lambda ballots, adds: save(ballots, poll, adds))
        if marks and len(culprits) == len(deliveries):  # so no statement has taken them along
            save((), poll, rows({}, marks))
        return culprits
    except OverError as error:
        return [(delivery, str(error)) for delivery in _deliveries(contents)]


def _stored_at_once(contents: Sequence[Content], marks: Sequence[Mark], poll: int, save: Save) -> bool:
    """Store all in one statement, or say that something in it cannot be stored."""
    ballots = newest_of_each(ballot for each in contents for ballot in each.ballots)
    if not ballots and not marks:
        return True
    stored = joined((each.process, each.numbers) for each in contents if each.process)
    try:
        save(ballots, poll, rows(stored, marks))
    except UnstorableError:
        return False
    return True


def _deliveries(contents: Sequence[Content]) -> list[Delivery]:
    return [
        (each.entry_id, ballot, each.process, number)
        for each in contents
        for ballot, number in zip(each.ballots, each.numbers or [0] * len(each.ballots), strict=True)
    ]


def _store_or_find(
    deliveries: Sequence[Delivery], marks: Sequence[Mark], save: SaveOfPoll
) -> list[tuple[Delivery, str]]:
    """Store all that can be stored, where not all can; return each of the others, with the reason.

    Takes no more statements for each culprit than halvings lead to it, and three.
    """
    culprits = []
    start, size = 0, max(1, len(deliveries) // 2)
    while start < len(deliveries):
        end = min(start + size, len(deliveries))
        if _refusal(deliveries[start:end], marks, save) is None:
            start, size = end, size * 2
            continue
        start = _store_up_to_culprit(deliveries, marks, start, end, save)
        # By itself: what is refused together may be stored alone.
        if reason := _refusal(deliveries[start : start + 1], marks, save):
            culprits.append((deliveries[start], reason))
        # Where there is one there may be more.
        start, size = start + 1, max(1, size // 2)
    return culprits


def _store_up_to_culprit(
    deliveries: Sequence[Delivery], marks: Sequence[Mark], start: int, end: int, save: SaveOfPoll
) -> int:
    """Store what stands before the first culprit of a group that was refused; return the culprit's place."""
    while end - start > 1:
        middle = (start + end) // 2
        if _refusal(deliveries[start:middle], marks, save) is None:
            start = middle
        else:
            end = middle
    return start


def _refusal(deliveries: Sequence[Delivery], marks: Sequence[Mark], save: SaveOfPoll) -> str | None:
    """Store a group, or return why it cannot be stored.

    A ballot that a newer one replaces is as good as stored: its number counts as well.
    """
    stored = joined((process, [number]) for _, _, process, number in deliveries if process)
    try:
        save(newest_of_each(ballot for _, ballot, _, _ in deliveries), rows(stored, marks))
    except UnstorableError as error:
        return str(error) or "refused"
    return None
