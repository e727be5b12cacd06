"""What services write that others read: entries of the queue, the schema of the database, and files."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

READS, WRITES = "vote-app.formats.reads", "vote-app.formats.writes"
# Entries go when they are stored, so one can wait for that; all other formats stay.
ENTRY, QUEUE = "entry", "redis"
POLLS = "polls-1"
"""What a worker reads that knows more than one poll."""

Labels = Mapping[str, Any]


class Formats(NamedTuple):
    """What a service reads and writes, e.g. entry-2: a kind, and the number of its format."""

    service: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


# Releases of before these labels.
FORMER = {
    "vote": {WRITES: "entry-1 entry-2"},
    "worker": {READS: "entry-1 entry-2"},
}


def declared(service: str, labels: Labels) -> Formats:
    """Return what the labels of a service say."""
    told = labels if {READS, WRITES} & labels.keys() else FORMER.get(service, {})
    reads, writes = (frozenset(str(told.get(label, "")).split()) for label in (READS, WRITES))
    return Formats(service, reads, writes)


def of_specification(service: str, api: Mapping[str, Any]) -> list[Formats]:
    """Return what a service that runs reads and writes; one under way to another release does both."""
    under_way = (api.get("UpdateStatus") or {}).get("State", "completed") not in (
        "completed",
        "rollback_completed",
    )
    specifications = [api["Spec"], *([api["PreviousSpec"]] if under_way and "PreviousSpec" in api else [])]
    return [declared(service, specification.get("Labels") or {}) for specification in specifications]


def of_services(services: Mapping[str, Mapping[str, Any]]) -> list[Formats]:
    """Return what the services of a stack file read and write."""
    return [declared(name, service.get("deploy", {}).get("labels", {})) for name, service in services.items()]


def unreadable(writers: Iterable[Formats], readers: Iterable[Formats]) -> dict[str, set[str]]:
    """Return what is written and cannot be read, by the service that reads that kind of thing."""
    written = {each for writer in writers for each in writer.writes}
    found = {
        reader.service: {each for each in written - reader.reads if _kind(each) in map(_kind, reader.reads)}
        for reader in readers
    }
    return {service: formats for service, formats in found.items() if formats}


def undrained(before: Iterable[Formats], after: Iterable[Formats]) -> str:
    """Say which entries one of both sides cannot read of the other, so that they must not meet."""
    both = (unreadable(before, after), unreadable(after, before))
    return _told(both, entries=True)


def drainable(services: Iterable[Formats]) -> bool:
    """Say whether the queue of these services has an intake: it is as old as the labels are."""
    return any(_kind(each) == QUEUE for service in services for each in service.writes)


def knows_polls(services: Iterable[Formats]) -> bool:
    """Say whether a release knows more than one poll, and that a poll can be over."""
    return any(POLLS in service.reads for service in services)


def lost(before: Iterable[Formats], after: Iterable[Formats]) -> str:
    """Say what stays of the side before, e.g. files, that the side after cannot read."""
    return _told((unreadable(before, after),), entries=False)


def _told(found: Iterable[Mapping[str, set[str]]], *, entries: bool) -> str:
    lines = {
        f"{service} cannot read {each}"
        for side in found
        for service, formats in side.items()
        for each in formats
        if (_kind(each) == ENTRY) == entries
    }
    return ", ".join(sorted(lines))


def _kind(each: str) -> str:
    return each.rpartition("-")[0]
