"""What the accounts of the database can do, and what they cannot do to each other."""

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import files
from typing import Any

import psycopg
import pytest

from kit.containers import docker
from kit.postgres_cluster import PostgresCluster
from kit.waiting import wait_until

SILENT = 120
# Of one pgpool.
PLACES = 24
WHOLE_SECONDS = 90
ENTER_SECONDS = 20
GREETING = struct.pack("!I", 196608) + b"user\0result\0database\0votes\0\0"
STARTUP = struct.pack("!I", 4 + len(GREETING)) + GREETING
TLS_REQUEST = struct.pack("!II", 8, 80877103)
FORBIDDEN = (
    "SELECT pg_advisory_lock('pg_class'::regclass::oid::bigint)",
    "SELECT pg_advisory_xact_lock(1)",
    "SELECT pg_try_advisory_lock_shared(1, 2)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT pg_sleep(0)",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_current_xact_id()",
    "SELECT txid_current()",
    "SELECT pg_export_snapshot()",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "DO $$ BEGIN END $$",
    "CREATE TABLE mine ()",
    "CREATE TEMP TABLE mine ()",
    "CREATE SCHEMA mine",
    "SET temp_file_limit = -1",
)
STORE = "SELECT store_votes(ARRAY[%s], ARRAY['a'], ARRAY[1], 1)"
SIGNATURE = "text[], text[], bigint[], integer"
# What the observer's questions and the dead letters do not need.
NOT_OBSERVED = (
    "SELECT FROM votes",
    "INSERT INTO votes (id, vote, version) VALUES ('v', 'a', 1)",
    "UPDATE votes SET vote = 'b'",
    "DELETE FROM votes",
    "TRUNCATE votes",
    "UPDATE tally SET count = 9",
    "DELETE FROM tally",
    "SELECT FROM history",
    "INSERT INTO pulse (at) VALUES (now())",
    "UPDATE dead_letters SET fields = '{}'",
    "TRUNCATE dead_letters",
    "DROP TABLE dead_letters",
    "ALTER TABLE tally ADD more integer",
    f"DROP FUNCTION store_votes({SIGNATURE})",
    f"ALTER FUNCTION store_votes({SIGNATURE}) SECURITY INVOKER",
    "UPDATE poll SET state = 'open'",
    "INSERT INTO archives (number, document, checksum) VALUES (9, '', '')",
    "DELETE FROM archives",
    "INSERT INTO postgres_ha.probe DEFAULT VALUES",
    "UPDATE accounts SET acknowledged = '{}'",
    "DELETE FROM uncounted",
    "UPDATE fingerprint SET hash = 0",
)
# Of tables that were made before there was this account.
OBSERVED_FROM_THE_START = ("SELECT vote, count FROM tally", "DELETE FROM dead_letters")
OBSERVED = (
    *OBSERVED_FROM_THE_START,
    "SELECT store_votes('{}', '{}', '{}', 1)",
    "SELECT store_votes('{}', '{}', '{}', 1, '{}', '{}', '{}', '{}', '{}')",
    "SELECT note_dead('{}', '{}', '{}')",
    "SELECT FROM poll, archives, pulse, accounts, uncounted",
    # Of a poll that there is not.
    "SELECT close_poll(0), open_poll(0), begin_poll(0)",
)
# Of the votes `certificates` sees nothing.
OF_VOTES = (
    "SELECT FROM votes",
    "SELECT FROM tally",
    "SELECT FROM dead_letters",
    "DELETE FROM votes",
    "SELECT store_votes('{}', '{}', '{}', 1)",
    "SELECT close_poll(1)",
    "SELECT FROM poll",
    "INSERT INTO postgres_ha.probe DEFAULT VALUES",
)
HIDDEN = "CREATE TABLE IF NOT EXISTS certificates.key AS SELECT 1 AS secret"
SHOWN = """
CREATE OR REPLACE VIEW certificates.status AS SELECT secret FROM certificates.key;
GRANT SELECT ON certificates.status TO observer
"""
LOCK = "SELECT pg_advisory_lock(1)"
CONNECT = """\
import psycopg, sys
psycopg.connect(host="pgpool", dbname="votes", user="worker", password=sys.argv[1], connect_timeout=5)
"""


def store_vote(cluster: PostgresCluster, voter: str) -> None:
    """Store as a worker does: with its own schema, through the triggers."""
    with cluster.connect("worker") as connection:
        connection.execute((files("worker") / "schema.sql").read_bytes())
        connection.execute("INSERT INTO votes (id, vote, version) VALUES (%s, 'a', 1)", (voter,))
        connection.execute("DELETE FROM votes")


@pytest.mark.parametrize(
    ("account", "allowed"),
    [("result", []), ("observer", []), ("certificates", ["CREATE TABLE mine ()"])],  # in its own schema
)
def test_these_may_call_and_make_none_of_these(
    whole: PostgresCluster, account: str, allowed: list[str]
) -> None:
    with whole.connect(account) as connection:
        assert [statement for statement in FORBIDDEN if is_allowed(connection, statement)] == allowed


def test_certificates_has_a_schema_of_its_own_and_nothing_else(whole: PostgresCluster) -> None:
    store_vote(whole, "voter")
    with whole.connect("certificates") as connection:
        assert [statement for statement in OF_VOTES if is_allowed(connection, statement)] == []
        connection.execute(HIDDEN)
        connection.execute(SHOWN)
    with whole.connect("observer") as connection:
        assert connection.execute("SELECT * FROM certificates.status").fetchone() == (1,)
        assert not is_allowed(connection, "SELECT FROM certificates.key")
    for account in ("result", "worker", "pgpool"):
        with whole.connect(account) as connection:
            assert not is_allowed(connection, "SELECT FROM certificates.status")


def test_the_observer_stores_votes_by_one_function_and_changes_nothing_else(whole: PostgresCluster) -> None:
    store_vote(whole, "voter")
    with whole.connect("observer") as connection:
        assert [statement for statement in NOT_OBSERVED if is_allowed(connection, statement)] == []
        connection.execute(STORE, ("replayed",))
        assert connection.execute("SELECT count FROM tally WHERE vote = 'a'").fetchone() == (1,)
    with whole.connect("worker") as connection:
        connection.execute("DELETE FROM votes")


def test_nobody_but_who_replays_and_stores_can_store(whole: PostgresCluster) -> None:
    store_vote(whole, "voter")
    for account in ("result", "pgpool"):
        with whole.connect(account) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(STORE, ("v",))


def test_an_account_that_this_release_does_not_know_is_refused_at_once(whole: PostgresCluster) -> None:
    # A busy machine may be late once.
    assert any(seconds_to_a_refusal(whole) < ENTER_SECONDS / 10 for _ in range(5))


def seconds_to_a_refusal(cluster: PostgresCluster) -> float:
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(
            host=cluster.address("pgpool"), dbname="votes", user="observer_of_tomorrow", password="no",
            connect_timeout=30,
        )  # fmt: skip
    return time.monotonic() - began


def is_allowed(connection: Any, statement: str) -> bool:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_storing_needs_none_of_it(whole: PostgresCluster) -> None:
    store_vote(whole, "voter")
    with whole.connect("result") as connection:
        assert connection.execute("SELECT count FROM tally WHERE vote = 'a'").fetchone() == (0,)
        assert not is_allowed(connection, "SELECT FROM votes")


def test_a_database_of_an_earlier_version_is_restricted_by_its_next_primary(whole: PostgresCluster) -> None:
    primary = whole.primary_name()
    psql = ("psql", "--host=/tmp/postgres-ha", "--username=postgres", "--dbname=votes", "--command")
    grant = "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC"
    store_vote(whole, "voter")
    for statement in (grant, "DROP OWNED BY observer", "DROP ROLE observer"):
        docker("exec", f"{whole.prefix}-{primary}", *psql, statement)
    with whole.connect("result") as connection:
        assert is_allowed(connection, LOCK)
    whole.stop(primary)
    whole.kill(primary)
    whole.run_node(primary)
    wait_until(whole.serves, WHOLE_SECONDS, whole.describe)
    wait_until(lambda: is_restricted(whole), ENTER_SECONDS, lambda: "the reader can lock")
    refused = not_allowed(whole, OBSERVED)
    assert not set(refused) & set(OBSERVED_FROM_THE_START)
    store_vote(whole, "another")  # a worker begins, with its schema
    assert not_allowed(whole, OBSERVED) == []
    wait_until(lambda: stores(whole), ENTER_SECONDS, lambda: "no vote is stored")


def not_allowed(cluster: PostgresCluster, statements: Sequence[str]) -> list[str]:
    """Return what the observer may not do."""
    with cluster.connect("observer") as connection:
        return [statement for statement in statements if not is_allowed(connection, statement)]


def is_restricted(cluster: PostgresCluster) -> bool:
    try:
        with cluster.connect("result") as connection:
            return not is_allowed(connection, LOCK)
    except psycopg.OperationalError:
        return False


def stores(cluster: PostgresCluster) -> bool:
    try:
        store_vote(cluster, "another voter")
    except psycopg.OperationalError:
        return False
    return True


Greeting = Callable[[socket.socket], socket.socket]


@contextmanager
def flood(cluster: PostgresCluster, greet: Greeting) -> Iterator[None]:
    """Hold connections to pgpool from this machine's one address, which say no more than a greeting."""
    address = (cluster.address("pgpool") or "", 5432)
    with ExitStack() as held:
        for _ in range(SILENT):
            client = held.enter_context(socket.socket())
            client.settimeout(5)
            # Most of them are turned away.
            with suppress(OSError):
                client.connect(address)
                held.enter_context(greet(client))
        yield


def say_nothing(client: socket.socket) -> socket.socket:
    return client


def ask_for_tls(client: socket.socket) -> socket.socket:
    client.sendall(TLS_REQUEST)
    return client


def name_a_user(client: socket.socket) -> socket.socket:
    """Greet as a client does that is then asked for its password."""
    ask_for_tls(client)
    if client.recv(1) != b"S":
        raise ConnectionError("no TLS")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    secured = context.wrap_socket(client)
    secured.sendall(STARTUP)
    return secured


@pytest.mark.parametrize("greet", [say_nothing, ask_for_tls, name_a_user])
def test_silent_clients_keep_nobody_else_out(whole: PostgresCluster, greet: Greeting) -> None:
    with flood(whole, greet):
        enter_from_elsewhere(whole)


def test_one_client_cannot_take_every_place(whole: PostgresCluster) -> None:
    with ExitStack() as held:
        with pytest.raises(psycopg.OperationalError):
            take_every_place(whole, held)
        enter_from_elsewhere(whole)


def take_every_place(cluster: PostgresCluster, held: ExitStack) -> None:
    for _ in range(PLACES):
        held.enter_context(cluster.connect("result"))


def enter_from_elsewhere(cluster: PostgresCluster) -> None:
    """Connect as a worker in another container, so from another address; it gives up after a few seconds."""
    command = ("exec", f"{cluster.prefix}-{cluster.primary_name()}", "python3", "-c", CONNECT)
    docker(*command, cluster.password("worker"))
