"""Who did what, when and with which outcome: the last verbs, kept in the Swarm."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass

import docker
from docker.errors import APIError
from pydantic import TypeAdapter

from deployment.configuration.layout import STACK
from deployment.engine.records.shelf import Shelf

KEPT = 200
ATTEMPTS = 5
SHELF = Shelf("vote-app.audit")


@dataclass(frozen=True)
class Entry:
    """One verb that changed something, or tried to."""

    at: str  # RFC 3339
    by: str
    verb: str
    outcome: str
    seconds: float
    release: str = ""


ENTRIES = TypeAdapter(list[Entry])


def read(client: docker.DockerClient) -> list[Entry]:
    """Return what is kept, the oldest first."""
    return _newest(SHELF.read(client))


def _newest(documents: Mapping[str, bytes]) -> list[Entry]:
    return ENTRIES.validate_json(gzip.decompress(documents[max(documents, key=int)])) if documents else []


def write(client: docker.DockerClient, entry: Entry) -> None:
    """Add an entry; raise APIError if others keep on adding theirs at the same time."""
    for attempt in range(1, ATTEMPTS + 1):
        before = SHELF.read(client)
        mark = str(max(map(int, before), default=0) + 1)
        content = gzip.compress(ENTRIES.dump_json([*_newest(before), entry][-KEPT:]), mtime=0)
        try:
            SHELF.put(client, f"{STACK}_audit_{mark}", mark, content)
            break
        except APIError:  # a verb that was refused its turn writes at the same time
            if attempt == ATTEMPTS:
                raise
    SHELF.remove(client, before)
