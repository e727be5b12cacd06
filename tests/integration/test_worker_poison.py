"""What can never be stored, on real servers: it costs the others nothing, and is never lost either."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from integration.conftest import Database
from worker import store as store_module
from worker.ballot import (
    HIGHEST_VERSION,
    KEYS,
    LONGEST_ID,
    Ballot,
    Content,
    MalformedError,
    ballot_of,
    newest_of_each,
)
from worker.settings import Settings
from worker.settle import store_batch
from worker.store import Store

ENTRIES = 1000


class Opened:
    """Opens connections to the database, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, settings: Settings, connect: Any = store_module.connect) -> psycopg.Connection:
        self.count += 1
        return connect(settings)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    counter = Opened()
    monkeypatch.setattr(store_module, "connect", counter)
    return counter


@pytest.fixture
def store(
    database: Database, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> Iterator[Store]:
    database.proxy.switch(database.container.address)
    for name, value in {**environment, "DATABASE_PORT": str(database.proxy.port)}.items():
        monkeypatch.setenv(name, value)
    made = Store(Settings.model_validate({}))
    yield made
    made.close()


def ballots_of(voter: str, choice: str = "a", version: int = 1) -> Iterator[Ballot]:
    """Yield the ballot, or where its id is refused those of the id's halves, as far as they are accepted."""
    try:
        yield ballot_of(voter, choice, version)
    except MalformedError:
        middle = len(voter) // 2
        for half in (voter[:middle], voter[middle:]) if middle else ():
            yield from ballots_of(half)


def test_postgresql_takes_whatever_is_read_as_a_ballot(store: Store, database: Database) -> None:
    everything = "".join(map(chr, range(0x110000)))
    ballots = [
        *(
            ballot
            for first in range(0, len(everything), LONGEST_ID)
            for ballot in ballots_of(everything[first : first + LONGEST_ID])
        ),
        *(
            ballot
            for key in KEYS
            for version in (0, HIGHEST_VERSION)
            for ballot in ballots_of(f"{key} {version}", key, version)
        ),
    ]
    # All but NUL and the surrogates is a character.
    assert len({character for ballot in ballots for character in ballot.voter}) == 0x110000 - 1 - 0x800
    store.save(newest_of_each(ballots))
    assert database.stored() == len(ballots)


@pytest.mark.parametrize("culprits", [{0}, {999}, {1, 500, 998}])
def test_what_the_database_refuses_costs_no_connection_and_few_statements(
    store: Store, database: Database, opened: Opened, culprits: set[int]
) -> None:
    store.pulse()
    database.query("ALTER TABLE votes ADD CHECK (id NOT LIKE 'bad%')")
    statements = 0

    def save(ballots: Sequence[Ballot]) -> None:
        nonlocal statements
        statements += 1
        store.save(ballots)

    names = [f"{'bad' if number in culprits else 'good'}{number}" for number in range(ENTRIES)]
    entries = [Content(name.encode(), [Ballot(name, "a", 1)], ()) for name in names]
    stored, poison = store_batch(entries, save)
    assert set(poison) == {f"bad{number}".encode() for number in culprits}
    assert len(stored) == database.stored() == ENTRIES - len(culprits)
    assert opened.count == 1
    assert statements <= len(culprits) * (math.ceil(math.log2(ENTRIES)) + 3) + 1
