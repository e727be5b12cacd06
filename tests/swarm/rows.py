"""What the database holds, asked of a container of the PostgreSQL primary as its superuser."""

import subprocess
from collections.abc import Iterable

from swarm.ledger import Stored

PSQL = (
    "PGPASSFILE=/tmp/postgres-ha/pgpass "
    "exec psql -h /tmp/postgres-ha -U postgres -d votes -X -A -t -q -v ON_ERROR_STOP=1 -F '\t'"
)


def sql(statement: str, container: str, *engine: str) -> list[list[str]]:
    """Run a statement in a container and return rows of texts; `engine` is what names another engine."""
    command = ["docker", *engine, "exec", "-i", container, "sh", "-c", PSQL]
    done = subprocess.run(command, input=statement, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines() if line]


def question(voters: Iterable[str]) -> str:
    """Return what asks for the rows of these voters, and for all rows and the tally, as of one moment."""
    ids = ",".join(voter for voter in voters if voter.isalnum())
    return f"""
        BEGIN ISOLATION LEVEL REPEATABLE READ;
        SELECT 'row', id, vote FROM votes WHERE id = ANY('{{{ids}}}');
        SELECT 'version', id, version FROM votes WHERE id = ANY('{{{ids}}}');
        SELECT 'counted', vote, count(*) FROM votes GROUP BY vote;
        SELECT 'tally', vote, count FROM tally WHERE count <> 0;
        COMMIT;
    """


def stored(rows: Iterable[list[str]]) -> Stored:
    """Sort the answer to the question into rows, rows by choice and tally."""
    parts: dict[str, dict[str, str]] = {"row": {}, "version": {}, "counted": {}, "tally": {}}
    for kind, key, value in rows:
        parts[kind][key] = value
    kinds = ("counted", "tally", "version")
    counted, tally, versions = ({key: int(n) for key, n in parts[kind].items()} for kind in kinds)
    return Stored(parts["row"], counted, tally, versions)
