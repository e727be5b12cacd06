"""What the program stores: its SQL against a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from certificates.plan.certificate import Certificate
from certificates.plan.limits import Past
from certificates.state import certificates, challenges, orders, outlook
from certificates.state.accounts import Account
from certificates.state.certificates import Held
from certificates.state.database import Access, Connection, Database
from certificates.state.lease import LEASE_SECONDS, LeaseLostError
from certificates.state.orders import NewOrder, Order
from certificates.state.outlook import Outlook
from certificates.state.records import Records
from certificates.state.vault import Vault
from kit.certificates import NAMES, Edges, running_edges
from kit.waiting import wait_until

ACME, OTHER = "https://acme.example/directory", "https://other.example/directory"
URL = "https://acme.example/order/7"
VAULT, FOREIGN = Vault("secret"), Vault("another secret")
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
TABLES = ("lease", "accounts", "orders", "challenges", "certificates", "outlook")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    with running_edges(tmp_path_factory.mktemp("state")) as edges:
        wait_until(lambda: listens(edges), 60, lambda: edges.logs("postgres"))
        yield edges


def listens(edges: Edges) -> bool:
    try:
        return bool(edges.rows("SELECT FROM pg_namespace WHERE nspname = 'certificates'"))
    except psycopg.Error:
        return False


def connect(edges: Edges) -> Database:
    """Return a connection of its own, which applies the schema."""
    password = (edges.folder / "secrets" / "postgres_certificates_password").read_text()
    return Database(Access(edges.address("postgres"), 5432, "votes", "certificates", (password,)))


@pytest.fixture
def database(server: Edges) -> Iterator[Database]:
    """A database that has its tables, and nothing in them."""
    made = connect(server)
    with made.transaction() as connection:
        for table in TABLES:
            connection.execute(f"TRUNCATE certificates.{table}".encode())
    yield made
    made.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as connection:
        yield connection


@pytest.fixture
def pair(server: Edges, database: Database) -> Iterator[tuple[Records, Records]]:
    """Two copies of the program."""
    second = connect(server)
    yield Records(database, VAULT, "copy-1"), Records(second, VAULT, "copy-2")
    second.close()


def write(records: Records) -> None:
    with records.writing() as connection:
        outlook.write(connection, ACME, NAMES, Outlook())


def test_the_schema_may_meet_itself_and_its_rows(server: Edges, database: Database) -> None:
    records = Records(database, VAULT, "copy-1")
    records.take_lease()
    write(records)
    again = connect(server)
    with again.transaction() as connection:
        assert outlook.read(connection, ACME, NAMES) == Outlook()
    again.close()


def test_one_copy_has_the_lease_and_keeps_it(server: Edges, pair: tuple[Records, Records]) -> None:
    first, second = pair
    before = server.rows("SELECT clock_timestamp() AS now")[0]["now"]
    taken, kept = first.take_lease(), first.take_lease()
    assert taken is not None
    assert kept is not None
    assert before < taken < kept < before + timedelta(seconds=LEASE_SECONDS)
    assert second.take_lease() is None
    write(first)
    with pytest.raises(LeaseLostError):
        write(second)
    first.release_lease()
    second.release_lease()
    assert second.take_lease() is not None
    write(second)
    assert first.take_lease() is None


def test_who_has_lost_the_lease_writes_no_more(server: Edges, pair: tuple[Records, Records]) -> None:
    first, second = pair
    first.take_lease()
    age(server, "lease", "until", timedelta(seconds=LEASE_SECONDS + 1))
    write(first)  # nobody else has it yet
    assert second.take_lease() is not None
    with pytest.raises(LeaseLostError):
        write(first)
    age(server, "lease", "until", timedelta(seconds=LEASE_SECONDS + 1))
    assert first.take_lease() is not None
    write(first)
    with pytest.raises(LeaseLostError):
        write(second)


def test_nobody_takes_the_lease_during_a_write(server: Edges, pair: tuple[Records, Records]) -> None:
    first, second = pair
    first.take_lease()
    age(server, "lease", "until", timedelta(seconds=LEASE_SECONDS + 1))
    with ThreadPoolExecutor() as threads:
        with first.writing() as connection:
            taking = threads.submit(second.take_lease)
            wait_until(lambda: server.rows("SELECT FROM pg_locks WHERE NOT granted"))
            challenges.publish(connection, "token", "answer")
        assert taking.result(5) is not None
    with second.reading() as connection:
        assert challenges.answer(connection, "token") == "answer"


def age(edges: Edges, table: str, column: str, by: timedelta) -> None:
    """Let what a table says be so much longer ago."""
    seconds = by.total_seconds()
    edges.rows(
        f"UPDATE certificates.{table} SET {column} = {column} - {seconds} * interval '1 s' RETURNING 1"
    )


def test_an_account_is_found_by_whoever_can_open_it(database: Database) -> None:
    ours, theirs = Records(database, VAULT, "copy-1"), Records(database, FOREIGN, "copy-1")
    ours.take_lease()
    theirs.take_lease()
    assert ours.account(ACME) is None
    for account in (Account("key", None), Account("key", "https://acme.example/account/1")):
        ours.keep_account(ACME, account)
        assert ours.account(ACME) == account
    assert ours.account(OTHER) is None
    assert theirs.account(ACME) is None
    theirs.keep_account(ACME, Account("another key", None))
    assert (ours.account(ACME), theirs.account(ACME)) == (None, Account("another key", None))


def begin(connection: Connection, replaces: str | None = None, vault: Vault = VAULT) -> Order:
    orders.write_down(connection, vault, NewOrder(ACME, NAMES, "key", replaces))
    found = orders.find_open(connection, vault, ACME, NAMES)
    assert found is not None
    return found


def test_an_order_is_under_way_until_it_ends(connection: Connection) -> None:
    order = begin(connection, "a certificate")
    assert order == Order(ACME, NAMES, "key", "a certificate", order.id, None)
    orders.placed(connection, order, URL, None)
    assert orders.find_open(connection, VAULT, ACME, NAMES) == replace(order, url=URL, replaces=None)
    for others in ((VAULT, OTHER, NAMES), (VAULT, ACME, NAMES[:1]), (FOREIGN, ACME, NAMES)):
        assert orders.find_open(connection, *others) is None
    challenges.publish(connection, "token", "answer")
    orders.end(connection, order.id, "issued")
    assert orders.find_open(connection, VAULT, ACME, NAMES) is None
    assert challenges.answer(connection, "token") is None


def test_an_order_whose_key_nobody_can_open_ends_when_the_next_one_begins(connection: Connection) -> None:
    foreign = begin(connection, vault=FOREIGN)
    assert orders.find_open(connection, VAULT, ACME, NAMES) is None
    assert orders.find_open(connection, FOREIGN, ACME, NAMES) == foreign
    assert begin(connection).id > foreign.id
    assert orders.find_open(connection, FOREIGN, ACME, NAMES) is None
    assert orders.history(connection, ACME, NAMES) == []


# How an order ended; whether it counts.
ENDS: dict[orders.Outcome, bool] = {"issued": True, "invalid": True, "dropped": False}


def test_what_ended_in_a_week_counts_for_rate_limits(server: Edges, database: Database) -> None:
    for replaces in (None, "a certificate"):
        for outcome in ENDS:
            with database.transaction() as connection:
                orders.end(connection, begin(connection, replaces).id, outcome, "why")
    assert counted(database) == {
        (outcome == "issued", renewal)
        for outcome, counts in ENDS.items()
        for renewal in (False, True)
        if counts
    }
    age(server, "orders", "ended", 7 * DAY)
    assert counted(database) == set()
    age(server, "orders", "ended", DAY)
    with database.transaction() as connection:
        orders.end(connection, begin(connection).id, "issued")
        assert connection.execute("SELECT FROM certificates.orders").rowcount == 1


def counted(database: Database) -> set[tuple[bool, bool]]:
    """Return what each past order was: issued or not, a renewal or not."""
    with database.transaction() as connection:
        assert orders.history(connection, OTHER, NAMES) == []
        past = orders.history(connection, ACME, NAMES)
    assert all(isinstance(each, Past) and each.ended.tzinfo for each in past)
    return {(each.issued, each.renewal) for each in past}


def certificate(number: int, names: tuple[str, ...] = NAMES) -> Certificate:
    return Certificate(ACME, names, NOON, NOON + (90 - number) * DAY, f"chain {number}", f"key {number}")


def test_the_newest_certificates_are_kept(connection: Connection) -> None:
    assert certificates.newest_id(connection) == 0
    assert certificates.known(connection, VAULT) == []
    assert certificates.held(connection, VAULT, ACME, NAMES) is None
    made, newest = [certificate(number) for number in range(certificates.KEPT + 2)], [0]
    for each in made:
        certificates.keep(connection, VAULT, each, NOON + 60 * DAY)
        newest.append(certificates.newest_id(connection))
    assert newest == sorted(set(newest))
    assert certificates.known(connection, VAULT) == made[:1:-1]
    assert connection.execute("SELECT FROM certificates.certificates").rowcount == certificates.KEPT
    held = certificates.held(connection, VAULT, ACME, NAMES)
    assert held == Held(newest[-1], made[-1], NOON + 60 * DAY, advised=False, advice_at=None)
    advised = replace(held, renew_at=NOON, advised=True, advice_at=NOON + DAY)
    certificates.advise(connection, advised)
    assert certificates.held(connection, VAULT, ACME, NAMES) == advised


def test_certificates_of_others_are_not_held(connection: Connection) -> None:
    one = certificate(1)
    certificates.keep(connection, VAULT, one, NOON)
    certificates.keep(connection, VAULT, certificate(2, NAMES[:1]), NOON)
    certificates.keep(connection, FOREIGN, certificate(3), NOON)
    assert certificates.known(connection, VAULT) == [certificate(2, NAMES[:1]), one]
    held = certificates.held(connection, VAULT, ACME, NAMES)
    assert held is not None
    assert held.certificate == one
    assert certificates.held(connection, VAULT, OTHER, NAMES) is None


def test_the_last_outlook_is_kept_for_its_names_at_its_authority(connection: Connection) -> None:
    full = Outlook("a problem", "a warning", 3, NOON, "a CAA record")
    for authority, new in ((ACME, full), (OTHER, Outlook())):
        assert outlook.read(connection, authority, NAMES) is None
        outlook.write(connection, authority, NAMES, new)
        assert outlook.read(connection, authority, NAMES) == new
    assert outlook.read(connection, ACME, NAMES) is None
    assert outlook.read(connection, OTHER, NAMES[:1]) is None


def test_people_read_what_is_held_and_what_is_wrong(server: Edges, database: Database) -> None:
    name = f"{ACME}#0123456789ab"
    with database.transaction() as connection:
        certificates.keep(connection, VAULT, replace(certificate(1), authority=name), NOON)
        outlook.write(connection, name, NAMES, Outlook("a problem", "a warning", 3, NOON, "a CAA record"))
    assert server.status() == {
        "names": list(NAMES),
        "issuer": ACME,
        "not_before": NOON,
        "not_after": NOON + 89 * DAY,
        "renew_at": NOON,
        "problem": "a problem",
        "warning": "a warning",
        "next_try": NOON,
        "caa": "a CAA record",
    }


def test_a_token_is_answered_until_it_is_a_day_old(server: Edges, database: Database) -> None:
    with database.transaction() as connection:
        assert challenges.answer(connection, "first") is None
        for token, answer in (("first", "wrong"), ("first", "right"), ("second", "other")):
            challenges.publish(connection, token, answer)
        assert [challenges.answer(connection, token) for token in ("first", "second")] == ["right", "other"]
    age(server, "challenges", "made", DAY)
    with database.transaction() as connection:
        challenges.publish(connection, "third", "new")
        assert [challenges.answer(connection, token) for token in ("first", "third")] == [None, "new"]
