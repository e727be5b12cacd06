"""The database keeps a fingerprint of all votes, exact after every commit."""

from __future__ import annotations

import pytest

from integration.conftest import Database
from postgres_ha.fingerprint import complete
from worker.ballot import Ballot
from worker.store import Store

KEPT = "SELECT sum(hash) FROM fingerprint HAVING count(*) FILTER (WHERE part = 'before') = 1"
COUNTED = "SELECT coalesce(sum(vote_hash(id, vote, version)), 0) FROM votes"
VOTES = [Ballot("ann", "a", 1), Ballot("bob", "b", 1), Ballot("cid", "a", 1)]
# As a release made it that knew no fingerprint.
FORMER = """
CREATE TABLE votes (id text PRIMARY KEY, vote text NOT NULL, version bigint NOT NULL);
INSERT INTO votes SELECT g::text, 'a', g FROM generate_series(1, 1000) g
"""


def kept(database: Database) -> list[tuple[int]]:
    return database.query(KEPT)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE votes SET vote = 'a' WHERE id = 'ann'",
        "UPDATE votes SET id = 'dan' WHERE id = 'ann'",
        "DELETE FROM votes WHERE id <> 'bob'",
        "TRUNCATE votes",
        "INSERT INTO votes SELECT g::text, 'b', g FROM generate_series(1, 1000) g",
    ],
)
def test_it_is_that_of_the_votes_that_there_are(store: Store, database: Database, change: str) -> None:
    store.save(VOTES, 1)
    store.save([Ballot("ann", "b", 3), Ballot("bob", "a", 0), Ballot("cid", "a", 1)], 1)
    before = kept(database)
    assert before == database.query(COUNTED)
    database.query(change)
    assert kept(database) == database.query(COUNTED)
    assert kept(database) != before
    store.save([Ballot("eve", "a", 1)], 1)
    assert kept(database) == database.query(COUNTED)


def test_it_tells_who_chose_what_apart(store: Store, database: Database) -> None:
    store.save(VOTES, 1)
    fingerprint, tally = kept(database), database.tally()
    database.query(
        "UPDATE votes SET vote = CASE vote WHEN 'a' THEN 'b' ELSE 'a' END WHERE id IN ('ann', 'bob')"
    )
    assert database.tally() == tally
    assert kept(database) != fingerprint


def test_votes_of_before_are_added_once_while_others_come(store: Store, database: Database) -> None:
    database.query(FORMER)
    store.save(VOTES, 1)
    assert kept(database) == []
    with database.connect() as connection:
        connection.autocommit = True
        assert complete(connection)
        assert kept(database) == database.query(COUNTED)
        store.save([Ballot("7", "b", 2000)], 1)
        assert not complete(connection)
    assert kept(database) == database.query(COUNTED)


def test_a_database_without_votes_needs_nobody(store: Store, database: Database) -> None:
    with database.connect() as connection:
        assert not complete(connection)  # there are no tables yet
    store.pulse()
    store.save(VOTES, 1)
    assert kept(database) == database.query(COUNTED)
