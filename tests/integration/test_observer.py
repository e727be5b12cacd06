"""What the observer learns from a real queue and a real database, and by which account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from integration.conftest import PASSWORD, Database, RedisNode, Trio
from kit.inside import Inside
from kit.waiting import wait_until
from observer import question
from observer.picture import summarize_redis
from observer.question import Stored
from worker.access import Access
from worker.ballot import Ballot
from worker.letter import Letter
from worker.store import Store

SHOWN = """
CREATE VIEW certificates.status AS
SELECT ARRAY['a.b'] AS names, 'local'::text AS issuer, timestamptz '2026-01-01Z' AS not_before,
       timestamptz '2026-03-01Z' AS not_after, timestamptz '2026-02-10Z' AS renew_at, ''::text AS problem,
       ''::text AS warning, NULL::timestamptz AS next_try, ''::text AS caa
"""
ROW = {
    "names": ["a.b"],
    "issuer": "local",
    "not_before": datetime(2026, 1, 1, tzinfo=UTC),
    "not_after": datetime(2026, 3, 1, tzinfo=UTC),
    "renew_at": datetime(2026, 2, 10, tzinfo=UTC),
    "problem": "",
    "warning": "",
    "next_try": None,
    "caa": "",
}

OPEN = {"revision": 1, "number": 1, "state": "open", "closes": None, "closed": None}


@pytest.fixture
def account(database: Database, store: Store) -> Access:
    """Return the observer's account in a database with one vote and one dead letter."""
    store.save([Ballot("voter", "a", 1)], 1)
    store.bury([Letter(b"1-0", {b"id": b"v"}, "vote is missing")])
    host, port = database.container.address
    return Access("", 6379, "", "", None, host, port, "votes", "observer", ("hush",))


def test_its_own_account_is_enough(account: Access, database: Database, store: Store) -> None:
    ask = question.Database(account)
    assert ask() == ask() == Stored({"a": 1}, letters=1, poll=OPEN)
    store.pulse()
    assert ask().pulse_age == pytest.approx(0, abs=10)
    sessions = "SELECT usename FROM pg_stat_activity WHERE application_name = 'observer'"
    assert database.query(sessions) == [("observer",)]


@pytest.mark.parametrize("granted", [True, False])
def test_what_is_said_of_the_certificate_is_read_where_it_may_be(
    account: Access, database: Database, granted: bool
) -> None:
    grant = "GRANT USAGE ON SCHEMA certificates TO observer; GRANT SELECT ON certificates.status TO observer"
    database.query(f"CREATE SCHEMA certificates; {SHOWN}; {grant if granted else ''}", user="postgres")
    try:
        stored = question.Database(account)()
    finally:
        database.query("DROP SCHEMA certificates CASCADE", user="postgres")
    assert stored.letters == 1
    assert stored.certificates == (ROW if granted else None)


def test_it_asks_by_no_other_account_than_its_own(account: Access) -> None:
    """During a failover each attempt may be refused; what another account may read is another picture."""
    with pytest.raises(psycopg.OperationalError):
        question.Database(replace(account, database_user="nobody"))()


def test_the_lag_of_a_replica_is_what_it_has_not_acknowledged(trio: Trio, inside: Inside) -> None:
    nodes = {node.container.inner_ip: node for node in (trio.primary, *trio.replicas)}
    primary, frozen, other = nodes

    def lag() -> dict[str, int | None]:
        found: dict[str, int | None] = summarize_redis(roles)["lag_bytes"]
        return found

    def look(*names: str) -> bool:
        roles.update({name: role(nodes[name], inside) for name in names})
        return lag() == dict.fromkeys((frozen, other), 0)

    roles: dict[str, Any] = {}
    wait_until(lambda: look(*nodes))
    trio.replicas[0].container.freeze()
    trio.primary.client.set("written", "x" * 1000)
    look(primary)
    assert (lag()[frozen] or 0) > 1000
    trio.replicas[0].container.restore()
    wait_until(lambda: look(*nodes))


def role(node: RedisNode, inside: Inside) -> Any:
    """Return what a Redis answers the observer's question."""
    host, port = node.container.address
    access = Access(host, port, "default", PASSWORD, str(inside.authority), "", 5432, "votes", "", ("",))
    return question.redis(access, host, ("ROLE",))()[0]
