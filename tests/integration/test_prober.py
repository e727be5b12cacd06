"""A test vote goes the whole way on real servers, is seen by a viewer, and counts nowhere."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
import socketio

from integration.conftest import PASSWORD, Database, Start, Trio
from integration.test_vote_queue import vote
from kit import monitoring
from kit.containers import address, docker
from kit.edge import PORT
from kit.exposition import scrape
from kit.images import reference
from kit.inside import Inside
from kit.one_of_each import one_of_each
from kit.routes import routes
from kit.services import Service, free_port
from kit.waiting import wait_until
from prober.attempt import Attempt, attempt, signed
from prober.edges import Edges
from prober.outcome import Outcome
from prober.pages import Pages
from prober.screen import Screen
from prober.settings import Settings
from worker.store import Store

ID = "0123456789abcdef" * 2


def send(service: Service, text: str) -> tuple[int, Any]:
    """Send a test vote; return the status, and the outcome where one is told."""
    request = Request(service.url + "/", data=f"probe={text}".encode())
    try:
        with urlopen(request, timeout=20) as answer:
            assert "Set-Cookie" not in answer.headers
            return answer.status, json.load(answer)["outcome"]
    except HTTPError as error:
        told = json.load(error) if error.headers["Content-Type"] == "application/json" else {}
        return error.code, told.get("outcome")


class Way(NamedTuple):
    """The services of the way, on real servers."""

    vote: Service
    result: Service
    ports: dict[str, int]


@pytest.fixture
def way(start: Start, trio: Trio, database: Database, environment: dict[str, str]) -> Way:
    database.proxy.switch(database.container.address)
    ports = {name: free_port() for name in ("vote", "worker")}
    key = {"probe_key_file": environment["COOKIE_KEY_FILE"]}
    queue, tally = {"redis_port": trio.proxy.port}, {"database_port": database.proxy.port}
    start("worker", **queue, **tally, metrics_port=ports["worker"])
    made = Way(start("vote", **queue, **key, metrics_port=ports["vote"]), start("result", **tally), ports)
    made.vote.wait_ready()
    made.result.wait_ready()
    wait_until(lambda: began(trio, database))
    return made


def began(trio: Trio, database: Database) -> bool:
    """Say whether the worker has made the stream and the tables."""
    ((table,),) = database.query("SELECT to_regclass('probe')")
    return bool(table and trio.primary.client.exists("votes"))


def told(result: Service) -> Any:
    """Return everything that programs and spreadsheets are told, but for the time."""
    with urlopen(result.url + "/results.json", timeout=5) as answer:
        numbers = json.load(answer)
    with urlopen(result.url + "/results.csv", timeout=5) as answer:
        table = [*csv.reader(answer.read().decode().splitlines())]
    return {**numbers, "at": None}, table


def test_it_reaches_a_viewer_and_changes_no_number(way: Way, trio: Trio, database: Database) -> None:
    assert vote(way.vote, "a")
    wait_until(lambda: database.tally() == {"a": 1})
    wait_until(lambda: told(way.result)[0]["total"] == 1)
    before = (
        told(way.result),
        database.query("SELECT * FROM votes"),
        database.query("SELECT * FROM archives"),
    )
    stored = scrape(way.ports["worker"])["vote_app_stored_votes_total"]
    seen: list[Any] = []
    viewer: Any = socketio.Client()
    viewer.on("probe", seen.append)
    viewer.connect(way.result.url, transports=["websocket"])
    assert send(way.vote, signed(ID, PASSWORD)) == (200, "accepted")
    wait_until(lambda: {"newest": [ID]} in seen)
    viewer.shutdown()
    after = (
        told(way.result),
        database.query("SELECT * FROM votes"),
        database.query("SELECT * FROM archives"),
    )
    assert after == before
    assert database.counted() == database.tally() == {"a": 1}
    wait_until(lambda: trio.primary.client.xlen("votes") == 0)
    assert database.query("SELECT * FROM dead_letters") == []
    assert [counts for (counts,) in database.query("SELECT counts FROM history")][-1] in ({"a": 1}, {})
    voting, working = scrape(way.ports["vote"]), scrape(way.ports["worker"])
    assert voting['vote_app_votes_total{outcome="accepted"}'] == voting["vote_app_ledger_votes"] == 1
    assert working["vote_app_stored_votes_total"] == stored
    assert working["vote_app_batch_votes_count"] == 1


@pytest.mark.parametrize("text", [ID, f"{ID}.{'0' * 64}", signed(ID, "another key"), ""])
def test_a_stranger_s_is_neither_kept_nor_shown(way: Way, trio: Trio, database: Database, text: str) -> None:
    assert send(way.vote, text) == (400, None)
    assert send(way.vote, f"{text}&vote=a") == (400, None)
    assert trio.primary.client.xinfo_stream("votes")["entries-added"] == 0
    assert database.query("SELECT * FROM probe") == []


@pytest.mark.parametrize(("word", "outcome"), [("closed", "closed"), ("draining", "paused")])
def test_while_no_votes_are_taken_it_is_refused_as_they_are(
    way: Way, trio: Trio, word: str, outcome: str
) -> None:
    trio.primary.client.set("votes:intake", word)
    assert send(way.vote, signed(ID, PASSWORD)) == (503, outcome)


def test_a_redis_of_the_release_before_gets_none_and_takes_votes(
    start: Start, trio: Trio, environment: dict[str, str]
) -> None:
    """It does not know VOTES.FIELDS, and would refuse the entry."""
    trio.primary.client.acl_setuser("former", enabled=True, passwords=[f"+{PASSWORD}"], keys=["*"],
                                    commands=["+@all", "-votes.fields"])  # fmt: skip
    key = {"probe_key_file": environment["COOKIE_KEY_FILE"]}
    service = start("vote", redis_port=trio.proxy.port, redis_username="former", **key)
    service.wait_ready()
    assert send(service, signed(ID, PASSWORD)) == (503, "unsupported")
    assert vote(service)
    assert trio.primary.client.xlen("votes") == 1


def test_one_that_comes_twice_is_one_row_and_those_of_before_are_gone(
    store: Store, database: Database
) -> None:
    store.show(["a" * 32, "b" * 32, "a" * 32])
    database.query("UPDATE probe SET at = at - interval '2 minutes'")
    store.show(["a" * 32])
    store.show(["c" * 32])
    assert sorted(database.query("SELECT id FROM probe")) == [("a" * 32,), ("c" * 32,)]


def test_one_that_cannot_be_shown_holds_no_vote_up(way: Way, trio: Trio, database: Database) -> None:
    assert vote(way.vote, "a")
    wait_until(lambda: database.tally() == {"a": 1})
    with database.connect() as other:
        other.execute("LOCK TABLE probe IN ACCESS EXCLUSIVE MODE")
        assert send(way.vote, signed(ID, PASSWORD)) == (200, "accepted")
        assert vote(way.vote, "a")
        wait_until(lambda: database.tally() == {"a": 2}, 20)
        wait_until(lambda: trio.primary.client.xlen("votes") == 0)
        assert other.execute("SELECT * FROM probe").fetchall() == []
        other.rollback()
    assert send(way.vote, signed(ID, PASSWORD)) == (200, "accepted")
    wait_until(lambda: database.query("SELECT id FROM probe") == [(ID,)])


def test_a_result_that_runs_before_the_worker_s_table_is_there_shows_the_tally(
    way: Way, database: Database
) -> None:
    """As after an upgrade whose first worker comes late, or a database that is of before."""
    assert vote(way.vote, "a")
    wait_until(lambda: told(way.result)[0]["total"] == 1)
    database.query("ALTER TABLE probe RENAME TO kept")
    assert vote(way.vote, "a")
    wait_until(lambda: told(way.result)[0]["total"] == 2)
    database.query("ALTER TABLE kept RENAME TO probe")


@pytest.fixture(scope="module", params=["host", "path"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, str]]:
    """Run one of each service behind an edge; give the prober's settings for it, and the network."""
    told, folder = routes(request.param, PORT), tmp_path_factory.mktemp("edge")
    with one_of_each(folder, told) as edge:
        names = docker("ps", "--format", "{{.Names}}", "--filter", "name=-edge-").split()
        network = next(name.partition("-edge-")[0] for name in names if address(name) == edge)
        settings = Settings(
            vote_host=told.environment["VOTE_HOST"],
            result_host=told.environment["RESULT_HOST"],
            edge_host=edge,
            edge_port=PORT,
            acme=False,
            authority_file=str(folder / "authority"),
            probe_key=docker("exec", f"{network}-vote", "cat", "/etc/hostname"),
            heartbeat_file="",
        )
        yield settings, network


def probed(settings: Settings) -> Attempt:
    edges = Edges(settings)
    return attempt(settings, edges, Pages(settings, edges))


def test_through_a_real_edge_it_comes_to_the_screen(site: tuple[Settings, str]) -> None:
    settings, network = site
    wait_until(lambda: probed(settings).outcome == Outcome.SHOWN, 30)
    done = probed(settings)
    assert done.outcome == Outcome.SHOWN
    assert done.acknowledged is not None
    assert done.shown is not None
    assert 0 < done.acknowledged < done.shown < 30
    count = "/usr/lib/postgresql/*/bin/psql -h 127.0.0.1 -U worker -tAc 'SELECT count(*) FROM votes' votes"
    assert docker("exec", f"{network}-postgres", "bash", "-c", count) == "0"


def test_who_looks_for_it_is_no_viewer(site: tuple[Settings, str]) -> None:
    """The result page says how many people watch."""
    settings, network = site
    edges = Edges(settings)
    wait_until(lambda: probed(settings).outcome == Outcome.SHOWN, 30)
    with Screen(settings, edges) as screen:
        assert Pages(settings, edges).vote(signed(ID, settings.probe_key)) == Outcome.ACCEPTED
        assert screen.shows(ID, time.monotonic() + 20)
        assert scrape(9100, address(f"{network}-result"))["vote_app_viewers"] == 0


def test_who_watches_is_a_viewer_and_who_looks_for_it_takes_nobody_away(way: Way) -> None:
    counts: list[int] = []
    person: Any = socketio.Client()
    person.on("watching", lambda told: counts.append(told["count"]))
    person.connect(way.result.url, transports=["websocket"])
    wait_until(lambda: counts == [1])
    nobody: Any = socketio.Client()
    nobody.on("watching", lambda told: counts.append(told["count"]))
    nobody.connect(way.result.url, transports=["websocket"], auth={"viewer": False})
    wait_until(lambda: len(counts) == 2)
    nobody.shutdown()
    another: Any = socketio.Client()
    another.on("watching", lambda told: counts.append(told["count"]))
    another.connect(way.result.url, transports=["websocket"])
    wait_until(lambda: max(counts) == 2)
    assert counts[:2] == [1, 1]
    another.shutdown()
    person.shutdown()


def test_without_workers_it_does_not_come_to_the_screen(
    site: tuple[Settings, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, network = site
    monkeypatch.setattr("prober.attempt.SHOWN_SECONDS", 3.0)
    docker("pause", f"{network}-worker")
    try:
        assert probed(settings).outcome == Outcome.NOT_SHOWN
    finally:
        docker("unpause", f"{network}-worker")
    wait_until(lambda: probed(settings).outcome == Outcome.SHOWN, 60)


def test_a_viewer_who_is_cut_off_comes_back_and_sees_it(
    site: tuple[Settings, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, network = site
    pages = Pages(settings, Edges(settings))
    take = pages.vote

    def voted_and_cut_off(text: str) -> Outcome:
        outcome = take(text)
        docker("restart", "--time", "0", f"{network}-result")
        return outcome

    monkeypatch.setattr(pages, "vote", voted_and_cut_off)
    assert attempt(settings, Edges(settings), pages).outcome == Outcome.SHOWN


@pytest.mark.parametrize(("gone", "outcome"), [("result", Outcome.NO_SCREEN), ("vote", Outcome.NO_PAGE)])
def test_what_does_not_come_is_named(site: tuple[Settings, str], gone: str, outcome: Outcome) -> None:
    settings, network = site
    docker("stop", "--time", "0", f"{network}-{gone}")
    try:
        assert probed(settings).outcome == outcome
    finally:
        docker("start", f"{network}-{gone}")
    wait_until(lambda: probed(settings).outcome == Outcome.SHOWN, 60)


def test_with_another_key_or_another_authority_nothing_is_taken(
    site: tuple[Settings, str], inside: Inside
) -> None:
    settings, _ = site
    assert probed(replace(settings, probe_key="another")).outcome == Outcome.REFUSED
    assert probed(replace(settings, authority_file=str(inside.authority))).outcome == Outcome.NO_SCREEN


def test_its_container_says_that_it_is_healthy_and_what_became_of_it(
    site: tuple[Settings, str], tmp_path: Path
) -> None:
    """Held as in the stack, and told of the edge as there, by its name on the network."""
    settings, network = site
    (tmp_path / "key").write_text(settings.probe_key)
    mounts = {settings.authority_file: "/etc/prober/local_ca.pem", tmp_path / "key": "/run/secrets/probe_key"}
    told = {
        "VOTE_HOST": settings.vote_host,
        "RESULT_HOST": settings.result_host,
        "EDGE_HOST": "edge",
        "LOCAL_CA_FILE": "/etc/prober/local_ca.pem",
        "PROBE_KEY_FILE": "/run/secrets/probe_key",
    }
    name = f"{network}-prober-{uuid4().hex[:8]}"
    docker(
        "run", "--detach", "--name", name, "--network", network, "--health-interval", "1s",
        *(part for variable in told.items() for part in ("--env", "=".join(variable))),
        *(part for mount in mounts.items() for part in ("--volume", f"{mount[0]}:{mount[1]}:ro")),
        *monitoring.held("prober"), reference("prober"),
    )  # fmt: skip
    try:
        healthy = ("inspect", "--format", "{{.State.Health.Status}}", name)
        wait_until(lambda: docker(*healthy) == "healthy", 60, lambda: docker("logs", name))
        shown = 'vote_app_probes_total{outcome="shown"}'
        wait_until(lambda: scrape(9100, address(name)).get(shown) == 1, 60, lambda: docker("logs", name))
    finally:
        docker("rm", "--force", name)
