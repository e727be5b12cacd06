"""The primary completes the fingerprint of votes that are older than it."""

from importlib.resources import files

from kit.postgres_cluster import PostgresCluster
from kit.waiting import wait_until

FORMER = """
CREATE TABLE IF NOT EXISTS votes (id text PRIMARY KEY, vote text NOT NULL, version bigint NOT NULL);
INSERT INTO votes SELECT 'former-' || g, 'a', 1 FROM generate_series(1, 1000) g
"""
SAME = """
SELECT (SELECT sum(hash) FROM fingerprint HAVING count(*) FILTER (WHERE part = 'before') = 1)
    = (SELECT sum(vote_hash(id, vote, version)) FROM votes)
"""


def test_votes_that_are_older_than_the_fingerprint_are_in_it_soon(whole: PostgresCluster) -> None:
    with whole.connect("worker") as connection:
        connection.execute("DROP TABLE IF EXISTS votes, fingerprint")
        connection.execute(FORMER)
        connection.execute((files("worker") / "schema.sql").read_bytes())
        connection.execute("INSERT INTO votes VALUES ('later', 'b', 1)")
        wait_until(lambda: connection.execute(SAME).fetchone()[0], 30)
        connection.execute("TRUNCATE votes")
