"""Healthy means full strength: every node, every task, both clusters; what is missing has a name."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from deployment.operations import status
from deployment.plan.cluster import picture, strength
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import (
    UNKNOWN,
    Accounts,
    Certificates,
    Picture,
    Poll,
    Postgres,
    Pulse,
    Queue,
    Redis,
    Votes,
)
from deployment.plan.release.entrance import Entrance
from deployment.plan.swarm.nodes import Node

EDGE = frozenset({"vote-app.edge"})
NODES = [Node("1", "node-1", labels=EDGE), Node("2", "node-2")]
SERVICES = [ServiceState("vote", 2, 2), ServiceState("redis-1", 1, 1)]
POSTGRES = Postgres("postgres-1", ("postgres-2", "postgres-3"), synchronous=True)
REDIS = Redis("redis-1", ("redis-2", "redis-3"))
INSIDE = Picture(1.0, POSTGRES, REDIS)


def test_full_strength() -> None:
    assert strength.missing(NODES, SERVICES, INSIDE, {}) == []


@pytest.mark.parametrize(
    ("services", "inside", "names"),
    [
        pytest.param([], INSIDE, ["the stack: no service is deployed"], id="nothing deployed"),
        pytest.param([ServiceState("sentinel-1", 0, 1)], INSIDE, ["sentinel-1 0/1"], id="a task"),
        pytest.param(SERVICES, UNKNOWN, [strength.OBSERVER], id="nobody to ask"),
        pytest.param(SERVICES, replace(INSIDE, postgres=Postgres()), ["PostgreSQL primary"], id="no primary"),
        pytest.param(
            SERVICES,
            replace(INSIDE, postgres=replace(POSTGRES, standbys=("postgres-2",))),
            ["postgres-3"],
            id="a standby",
        ),
        pytest.param(
            SERVICES,
            replace(INSIDE, postgres=replace(POSTGRES, synchronous=False)),
            ["PostgreSQL synchronous standby"],
            id="not synchronous",
        ),
        pytest.param(
            SERVICES,
            replace(INSIDE, postgres=replace(POSTGRES, established=False)),
            ["today's passwords of the database's accounts (postgres-1 sets them)"],
            id="passwords of before",
        ),
        pytest.param(SERVICES, replace(INSIDE, redis=Redis()), ["Redis primary"], id="no Redis primary"),
        pytest.param(
            SERVICES,
            replace(INSIDE, redis=Redis("redis-2")),
            ["redis-1", "redis-3"],
            id="both replicas",
        ),
        pytest.param(
            [*SERVICES, ServiceState("redis-3", 0, 1), ServiceState("worker", 1, 2)],
            replace(INSIDE, redis=Redis("redis-1")),
            ["redis-3 0/1", "worker 1/2", "redis-2"],
            id="a member without its task is named once",
        ),
    ],
)
def test_what_is_missing(services: list[ServiceState], inside: Picture, names: list[str]) -> None:
    assert strength.missing(NODES, services, inside, {}) == names


@pytest.mark.parametrize(
    ("pulse", "workers", "said"),
    [
        (None, 2, None),  # an observer that does not look
        (Pulse(0.5), 2, None),
        (Pulse(60.4), 2, "not for 60 s"),
        (Pulse(None), 2, "never yet"),
        (Pulse(60.0), 0, None),  # that is said otherwise
    ],
)
def test_workers_that_run_and_cannot_store_are_no_full_strength(
    pulse: Pulse | None, workers: int, said: str | None
) -> None:
    running = [*SERVICES, ServiceState("worker", workers, workers)]
    found = strength.missing(NODES, running, replace(INSIDE, votes=Votes(1, {"a": 1}, pulse)), {})
    assert [str(said) in line for line in found] == ([True] if said else [])


@pytest.mark.parametrize(
    ("intake", "stored", "has_intake", "missing"),
    [
        ("open", 0, True, []),
        (None, 0, True, ["an answer of the queue"]),
        (None, 0, False, []),
        ("open", None, True, ["an answer of the database"]),
        (None, None, True, ["an answer of the queue", "an answer of the database"]),
    ],
)
def test_who_has_not_been_asked_yet_is_not_known_to_be_well(
    intake: str | None, stored: int | None, has_intake: bool, missing: list[str]
) -> None:
    found = replace(INSIDE, queue=Queue(intake=intake), votes=Votes(stored))
    assert strength.unanswered(found, has_intake=has_intake, has_workers=True) == missing


@pytest.mark.parametrize(
    ("keeps", "accounts", "workers", "told"),
    [
        (True, Accounts(lost=0), True, True),
        (True, Accounts(), True, True),
        (True, None, True, False),
        (True, None, False, True),
        (False, None, True, True),
    ],
    ids=["judged", "not judged", "unread", "unread, and nobody keeps them", "a release without"],
)
def test_the_accounts_are_to_be_read_where_workers_keep_them(
    keeps: bool, accounts: Accounts | None, workers: bool, told: bool
) -> None:
    found = replace(
        INSIDE, queue=Queue(intake="open"), votes=Votes(1), keeps_accounts=keeps, accounts=accounts
    )
    missing = [] if told else ["the accounts of acknowledged votes"]
    assert strength.unanswered(found, has_intake=True, has_workers=workers) == missing


@pytest.mark.parametrize(
    ("poll", "missing"),
    [
        (None, []),
        (Poll(2, "closed", told=True), []),
        (Poll(2, "closed"), ["the queue's word of poll 2, which is closed"]),
    ],
)
def test_a_queue_that_knows_another_poll_is_no_full_strength(poll: Poll | None, missing: list[str]) -> None:
    assert strength.missing(NODES, SERVICES, replace(INSIDE, poll=poll), {}) == missing


@pytest.mark.parametrize(
    ("postgres", "named"),
    [
        (POSTGRES, []),
        (replace(POSTGRES, damaged=("postgres-2",)), []),
        (replace(POSTGRES, damaged=("postgres-1", "postgres-2")), ["postgres-1"]),
    ],
    ids=["none", "a standby heals itself", "the primary"],
)
def test_a_primary_with_damaged_pages_is_named(postgres: Postgres, named: list[str]) -> None:
    assert [line.split()[0] for line in strength.damaged(postgres)] == named


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LIFE = timedelta(days=60)
SHOWN = Certificates(
    names=("vote.a.org", "result.a.org"),
    issuer="https://acme.a.org/directory",
    not_before=BEGAN.isoformat(),
    not_after=(BEGAN + LIFE).isoformat(),
    renew_at=(BEGAN + timedelta(days=40)).isoformat(),
)
FAILED = replace(SHOWN, problem="the CAA record forbids it", next_try="2026-02-01T12:30:00+00:00")
NAMES = "vote.a.org, result.a.org"


@pytest.mark.parametrize(
    ("shown", "age", "lines"),
    [
        (None, timedelta(), []),
        (SHOWN, timedelta(), []),
        (SHOWN, timedelta(days=49, hours=23), []),
        (SHOWN, LIFE * 5 / 6, []),
        (
            SHOWN,
            timedelta(days=50, seconds=1),
            [f"a new certificate for {NAMES}: the one that is shown ends 2026-03-02 00:00 UTC"],
        ),
        (
            FAILED,
            timedelta(days=59),
            [
                f"a new certificate for {NAMES}: the one that is shown ends 2026-03-02 00:00 UTC "
                "(the CAA record forbids it)"
            ],
        ),
        (
            SHOWN,
            LIFE,
            [f"a new certificate for {NAMES}: the one that is shown ended 2026-03-02 00:00 UTC"],
        ),
        (FAILED, timedelta(days=45), []),
        (
            replace(FAILED, not_before=None, not_after=None, renew_at=None),
            timedelta(),
            [f"a certificate for {NAMES} (the CAA record forbids it)"],
        ),
        (replace(SHOWN, not_after=(BEGAN + timedelta(days=6)).isoformat()), timedelta(days=4.9), []),
        (
            replace(SHOWN, not_after=(BEGAN + timedelta(days=6)).isoformat()),
            timedelta(days=5.1),
            [f"a new certificate for {NAMES}: the one that is shown ends 2026-01-07 00:00 UTC"],
        ),
    ],
    ids=[
        *("nobody says", "new", "a sixth and an hour left", "a sixth left", "less than a sixth left"),
        *("with the reason", "ended", "not renewed yet", "none yet", "of six days", "of six days, late"),
    ],
)
def test_a_sixth_of_a_certificate_s_life_must_be_left(
    shown: Certificates | None, age: timedelta, lines: list[str]
) -> None:
    now = (BEGAN + age).timestamp()
    assert strength.certificate_missing(replace(INSIDE, at=now, certificates=shown)) == lines


@pytest.mark.parametrize(
    ("shown", "lines"),
    [
        (None, []),
        (SHOWN, []),
        (replace(SHOWN, warning="nobody answered for vote.a.org"), ["nobody answered for vote.a.org"]),
        (
            FAILED,
            [
                "the last try to get a certificate failed: the CAA record forbids it; "
                "next try 2026-02-01 12:30 UTC"
            ],
        ),
    ],
    ids=["nobody says", "all well", "a doubt", "an error"],
)
def test_what_is_wrong_with_the_next_certificate_is_a_warning(
    shown: Certificates | None, lines: list[str]
) -> None:
    assert strength.certificate_warnings(replace(INSIDE, certificates=shown)) == lines


@pytest.mark.parametrize(
    ("shown", "lines"),
    [
        (None, []),
        (
            SHOWN,
            [
                f"Certificate of {name}: acme.a.org, until 2026-03-02 00:00 UTC, "
                "next renewal 2026-02-10 00:00 UTC"
                for name in SHOWN.names
            ],
        ),
        (
            Certificates(names=("vote.localhost",), issuer="local", caa="a.org. CAA 0 issue x"),
            [
                "Certificate of vote.localhost: local authority, none yet",
                "CAA record to set, so that nobody else gets one: a.org. CAA 0 issue x",
            ],
        ),
    ],
    ids=["nobody says", "one for two names", "none yet"],
)
def test_a_line_for_each_name(shown: Certificates | None, lines: list[str]) -> None:
    assert status.certificate_lines(asdict(replace(INSIDE, certificates=shown))) == lines


def test_an_observer_that_knows_of_certificates_is_understood() -> None:
    seen = replace(INSIDE, at=1000.0, certificates=SHOWN)
    assert picture.parse(f"1000\n{json.dumps(asdict(seen))}".encode()) == seen


def test_a_service_that_was_changed_is_named_once() -> None:
    services = [*SERVICES, ServiceState("redis-3", 0, 1), ServiceState("worker", 2, 2)]
    inside = replace(INSIDE, redis=Redis("redis-1", ("redis-2",)))
    changed = {"redis-3": "redis-3 was scaled to 0 from 1", "worker": "worker was changed"}
    assert strength.missing(NODES, services, inside, changed) == list(changed.values())


@pytest.mark.parametrize(
    ("node", "names"),
    [
        (Node("1", "node-1", "down", labels=EDGE), ["node-1 down"]),
        (Node("1", "node-1", "unknown", labels=EDGE), ["node-1 unknown"]),
        (Node("1", "node-1", "down"), []),
        (Node("1", "node-1", availability="drain", labels=EDGE), []),
    ],
    ids=["down", "not heard of", "down, and carries nothing", "drained on purpose"],
)
def test_nodes(node: Node, names: list[str]) -> None:
    assert strength.missing([node], SERVICES, INSIDE, {}) == names


@pytest.mark.parametrize(("age", "known"), [(0, True), (5, True), (6, False)])
def test_an_old_picture_says_nothing(age: int, known: bool) -> None:
    seen = replace(INSIDE, at=1000.0)
    answer = f"{1000 + age}\n{json.dumps(asdict(seen))}".encode()
    assert picture.parse(answer) == (seen if known else UNKNOWN)


@pytest.mark.parametrize("answer", [b"", b"1000\n", b'1000\n{"at": 10'])
def test_a_picture_that_is_cut_short_says_nothing(answer: bytes) -> None:
    assert picture.parse(answer) == UNKNOWN


def test_an_observer_of_the_release_before_says_no_lag() -> None:
    clusters = {name: asdict(cluster) for name, cluster in INSIDE.clusters.items()}
    for cluster in clusters.values():
        del cluster["lag_bytes"]
    former = {**asdict(INSIDE), **clusters, "at": 1000.0}
    assert picture.parse(f"1000\n{json.dumps(former)}".encode()) == replace(INSIDE, at=1000.0)


@pytest.mark.parametrize(
    ("seen", "lines"),
    [
        pytest.param(UNKNOWN, ["PostgreSQL and Redis: unknown"], id="nobody to ask"),
        pytest.param(
            Picture(1.0), ["PostgreSQL: no primary", "Redis: no primary"], id="both without a primary"
        ),
        pytest.param(
            replace(
                INSIDE,
                postgres=replace(POSTGRES, lag_bytes={"postgres-2": 0, "postgres-3": 1_234_567}),
                redis=Redis("redis-2", ("redis-3",), {"redis-3": 14}),
            ),
            [
                "PostgreSQL: postgres-1 (primary), postgres-2 (0 bytes behind), "
                "postgres-3 (1,234,567 bytes behind)",
                "Redis: redis-2 (primary), redis-3 (14 bytes behind)",
            ],
            id="each with its lag",
        ),
        pytest.param(
            replace(INSIDE, redis=replace(REDIS, lag_bytes={"redis-2": None, "redis-3": 0})),
            [
                "PostgreSQL: postgres-1 (primary), postgres-2 (lag unknown), postgres-3 (lag unknown)",
                "Redis: redis-1 (primary), redis-2 (lag unknown), redis-3 (0 bytes behind)",
            ],
            id="some do not say",
        ),
    ],
)
def test_how_far_everybody_is_behind(seen: Picture, lines: list[str]) -> None:
    assert status.cluster_lines(asdict(seen)) == lines


def test_a_node_in_one_line() -> None:
    described = {"name": "node-1", "state": "down", "availability": "active", "manager": True, "edge": True}
    line = status.node_line(described | {"slots": [1, 3]})
    assert line == "Node node-1: down, active, manager, edge, slot 1, slot 3"


@pytest.mark.parametrize(
    ("host", "here", "asked"),
    [
        ("vote.localhost", "1", ["127.0.0.1", "10.0.0.2", "10.0.0.6"]),
        ("vote.localhost", "", ["10.0.0.1", "10.0.0.2", "10.0.0.6"]),
        ("vote.example.org", "1", ["10.0.0.1", "10.0.0.2", "10.0.0.6"]),
    ],
    ids=["this machine's own name", "asked from elsewhere", "a public name"],
)
def test_where_edges_are_asked(host: str, here: str, asked: list[str]) -> None:
    members = [
        Node("1", "node-1", labels=EDGE, address="10.0.0.1"),
        Node("2", "node-2", labels=EDGE, address="10.0.0.2"),
        Node("3", "no edge", address="10.0.0.3"),
        Node("4", "drained", availability="drain", labels=EDGE, address="10.0.0.4"),
        Node("5", "away", "down", labels=EDGE, address="10.0.0.5"),
        Node("6", "paused", availability="pause", labels=EDGE, address="10.0.0.6"),
    ]
    found = status.edges(members, Entrance({"vote": f"https://{host}/"}, 443, local=True), here)
    assert [edge.address for edge in found] == asked
    assert [edge.here for edge in found] == [here == "1", False, False]
