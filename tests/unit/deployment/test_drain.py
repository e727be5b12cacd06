"""No worker meets entries that it cannot read: none is taken, and none waits, while the release changes."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient
from docker.errors import APIError

from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations.release.back import BACK
from deployment.operations.rollback import ROLLBACK
from deployment.operations.runner import lock, operation, pause
from deployment.operations.runner.operation import Step
from deployment.operations.runner.pause import Pause
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import TurnLostError
from deployment.operations.scale import SCALE
from deployment.operations.steps import convergence, intake
from deployment.operations.steps.health import Health
from deployment.operations.steps.intake import Drain, Readable, Reopen
from deployment.operations.steps.record import Record
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.operations.up import UP
from deployment.plan.cluster.picture import Picture, Poll, Queue
from deployment.plan.maintenance import Maintenance
from deployment.plan.release.formats import READS, WRITES, declared
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.progress import Progress
from kit.waiting import wait_until

STACK = """
services:
  vote: {image: v, deploy: {labels: {vote-app.formats.writes: entry-1}}}
  worker: {image: w, deploy: {labels: {vote-app.formats.reads: entry-1}}}
  redis-1: {image: r, deploy: {labels: {vote-app.formats.writes: redis-8}}}
  postgres-1: {image: p, deploy: {labels: {vote-app.formats.reads: postgresql-17}}}
"""
OLDER = Release(("stack.yaml",), {"stack.yaml": STACK}, {})
WRITES_2 = declared("vote", {WRITES: "entry-2"})
READS_2 = declared("worker", {READS: "entry-1 entry-2"})
SAME = declared("vote", {WRITES: "entry-1"})
REDIS = declared("redis-1", {WRITES: "redis-8"})
TURNED = f"{intake.PAUSE}: the queue changes to plain connections"
FILES_18 = declared("postgres-1", {WRITES: "postgresql-18"})


class Intake:
    """The observer's, with so many entries to wait for; it fails as often as it is told to."""

    def __init__(self, *entries: int, failures: int = 0, within_maintenance: bool = False) -> None:
        self.states: list[str] = []
        self._within_maintenance = within_maintenance
        self._entries, self._failures = list(entries), failures

    def set(self, _: object, state: str, seconds: int = 0) -> int:
        if self._failures:
            self._failures -= 1
            raise APIError("the container is stopping")
        ends = state == "draining" and not self._within_maintenance
        assert bool(seconds) == ends, "what nobody ends ends by itself, unless an operator has said otherwise"
        if state:
            self.states.append(state)
            return 0
        return self._entries.pop(0)


def site(*running: Any, intake: str | None = "open", pending: int | None = 0, **seen: Any) -> Site:
    on = Site(Settings(), Progress(quiet=True), cast(DockerClient, "an engine"), lambda _: OLDER)
    picture = Picture(at=1.0, queue=Queue(pending=pending, intake=intake))
    handed, specifications = {"vote": "r"}, [speaking("redis-1", "no")]
    vars(on).update(handed=handed, formats=list(running), picture=picture, specifications=specifications)
    vars(on).update(maintenance=None)
    vars(on).update(seen)
    return on


def speaking(name: str, tls: str) -> dict[str, Any]:
    """Return a service of the queue as the Docker API describes it."""
    container = {"Env": [f"REDIS_TLS={tls}"]}
    return {"Spec": {"Name": f"vote-app_{name}", "TaskTemplate": {"ContainerSpec": container}}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(intake, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(convergence, "unfinished", lambda _: [])


def taking(found: Intake, monkeypatch: pytest.MonkeyPatch) -> Intake:
    monkeypatch.setattr(observer, "set_intake", found.set)
    return found


@pytest.mark.parametrize(
    ("on", "drained"),
    [
        (site(SAME), True),
        (site(WRITES_2), False),
        (site(WRITES_2, intake="draining"), False),
        (site(WRITES_2, intake="draining", pause=SimpleNamespace(over=True)), False),
        (site(WRITES_2, intake="draining", pause=SimpleNamespace(over=False)), True),
        (site(WRITES_2, intake="closed"), True),
        (site(WRITES_2, intake="draining", pending=3), False),
        (site(WRITES_2, intake="draining", pending=None), False),
        (site(WRITES_2, intake=None), False),
        (site(WRITES_2, handed={}), True),
    ],
    ids=[
        *("readable", "not", "a pause of another command", "one that is over", "drained", "closed"),
        *("not empty", "unknown", "no intake", "no stack"),
    ],
)
def test_a_queue_is_drained_where_entries_cannot_be_read(on: Site, drained: bool) -> None:
    lines = Drain().missing(on)
    assert lines == ([] if drained else [f"{intake.PAUSE}: worker cannot read entry-2"])


@pytest.mark.parametrize(
    ("servers", "lines"),
    [
        ([("redis-1", "no"), ("sentinel-1", "no"), ("redis-proxy", "no")], []),
        ([("redis-1", "no"), ("redis-proxy", "yes")], [TURNED]),
        ([("redis-1", "yes")], [TURNED]),
        ([("vote", "yes")], []),
    ],
)
def test_a_queue_is_drained_before_its_servers_speak_otherwise(
    servers: list[tuple[str, str]], lines: list[str]
) -> None:
    on = site(SAME, specifications=[speaking(*server) for server in servers])
    assert Drain().missing(on) == lines


def test_a_queue_that_nobody_can_ask_is_changed_as_it_is() -> None:
    """After a change that was cut short no Redis may answer; entries of another format are another matter."""
    half = [speaking("redis-1", "yes"), speaking("redis-2", "no")]
    assert Drain().missing(site(SAME, intake=None, pending=None, specifications=half)) == []
    lines = Drain().missing(site(WRITES_2, intake=None, pending=None, specifications=half))
    assert lines == [f"{intake.PAUSE}: worker cannot read entry-2"]


def test_a_release_that_the_database_would_not_hear_ends_it_before_anything_is_changed() -> None:
    container = {"Env": ["PGSSLMODE=verify-full"], "Configs": []}
    told = {"Spec": {"Name": "vote-app_postgres-1", "TaskTemplate": {"ContainerSpec": container}}}
    container["Configs"] = [{"File": {"Name": "/etc/ssl/inside_ca.pem"}, "ConfigName": "ours"}]  # type: ignore[list-item]
    with pytest.raises(DeployError, match="demands TLS"):
        Readable().missing(site(SAME, specifications=[told]))


def test_draining_waits_until_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    found = taking(Intake(5, 1, 0, failures=2), monkeypatch)
    on = site(WRITES_2)
    Drain().do(on)
    assert found.states == ["draining"]
    assert on.pause
    assert not on.pause.over
    on.pause.end()


def test_a_queue_that_does_not_run_empty_takes_votes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = taking(Intake(5, 5), monkeypatch)
    monkeypatch.setattr(intake, "DRAIN_SECONDS", 0)
    with pytest.raises(DeployError, match="5 entries still wait"):
        Drain().do(site(WRITES_2))
    assert found.states == ["draining", "open"]


@pytest.mark.parametrize("state", ["closed", "maintenance"])
def test_what_somebody_closed_stays_closed_while_the_queue_runs_empty(
    monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    found = taking(Intake(5, 0), monkeypatch)
    on = site(WRITES_2, intake=state, pending=5)
    Drain().do(on)
    assert (found.states, on.pause) == ([], None)


MAINTAINED = Maintenance("ann@node-1", "2026-11-29T15:00:00+00:00")


@pytest.mark.parametrize(
    ("state", "pending"), [("maintenance", 0), ("maintenance", 5), ("draining", 5), (None, None)]
)
def test_a_change_of_release_drains_within_a_maintenance_and_goes_on_with_it(
    monkeypatch: pytest.MonkeyPatch, state: str | None, pending: int | None
) -> None:
    """`vote` tells its accounts while voting is paused, and not while it drains: workers may not read it."""
    found = taking(Intake(5, 0, within_maintenance=True), monkeypatch)
    on = site(WRITES_2, intake=state, pending=pending, maintenance=MAINTAINED)
    assert Drain().missing(on)
    Drain().do(on)
    vars(on).update(picture=site(intake="draining").picture)
    assert Drain().missing(on) == []
    assert Reopen().missing(on) == ["go on with the maintenance"]
    Reopen().do(on)
    assert found.states == ["draining", "maintenance"]
    assert Reopen().missing(site(intake="maintenance", maintenance=MAINTAINED)) == []


def test_a_maintenance_that_is_not_in_force_shuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """So no change of release ends with an intake that nothing opens."""
    found = taking(Intake(5, 0), monkeypatch)
    on = site(WRITES_2, intake="open", pending=5, maintenance=MAINTAINED)
    Drain().do(on)
    assert Reopen().missing(on) == ["take votes again"]
    Reopen().do(on)
    assert found.states == ["draining", "open"]


def test_a_queue_that_does_not_run_empty_within_a_maintenance_takes_no_votes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = taking(Intake(5, 5, within_maintenance=True), monkeypatch)
    monkeypatch.setattr(intake, "DRAIN_SECONDS", 0)
    with pytest.raises(DeployError, match="5 entries still wait"):
        Drain().do(site(WRITES_2, intake="maintenance", pending=5, maintenance=MAINTAINED))
    assert found.states == ["draining", "maintenance"]


def test_a_maintenance_that_a_change_of_release_has_covered_is_on_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = taking(Intake(), monkeypatch)
    on = site(intake="draining", maintenance=MAINTAINED)
    assert Reopen().missing(on) == ["go on with the maintenance"]
    Reopen().do(on)
    assert found.states == ["maintenance"]


def test_a_verb_that_has_lost_its_turn_leaves_the_intake_to_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = taking(Intake(5), monkeypatch)
    on = site(WRITES_2)
    turns = iter([None, None])

    def turn() -> None:
        if next(turns, "lost"):
            raise TurnLostError("The lock was taken.", "Look at `status`.")

    on.turn = turn
    with pytest.raises(TurnLostError):
        Drain().do(on)
    assert found.states == ["draining"]


def test_a_pause_lasts_as_long_as_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refreshed, since it would end by itself."""
    monkeypatch.setattr(pause, "REFRESH_SECONDS", 0.0)
    found = taking(Intake(), monkeypatch)
    begun = Pause(site())
    wait_until(lambda: len(found.states) > 3)
    begun.end()
    assert found.states[-1] == "open"


@pytest.mark.parametrize(
    ("after", "said"),
    [("open", "that ends by itself within 180 s"), ("maintenance", "the maintenance goes on")],
)
def test_a_command_that_stops_says_what_becomes_of_the_pause(
    after: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(lock, "LOCK_FILE", tmp_path / "lock")
    taking(Intake(within_maintenance=after == "maintenance"), monkeypatch)
    on = site()
    on.progress, on.pause = Progress(), Pause(on, after)
    step = SimpleNamespace(touches=True, missing=lambda _: ["x"], do=failing)
    on.freeze = lambda: None  # type: ignore[method-assign]
    on.client = None
    vars(on)["membership"] = Membership.NONE
    with pytest.raises(DeployError, match="a reason"):
        operation.run([cast(Step, step)], on)
    assert f"No votes are taken now; {said}" in capsys.readouterr().err


def failing(_: Site) -> None:
    raise DeployError("a reason", "a remedy")


def test_votes_are_taken_again_once_everything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    found = taking(Intake(), monkeypatch)
    monkeypatch.setattr(convergence, "unfinished", lambda _: ["worker"])
    monkeypatch.setattr(convergence, "wait", lambda _: done.append("waited"))
    on = site(intake=None)
    on.pause = Pause(on)
    assert Reopen().missing(on) == ["take votes again"]
    Reopen().do(on)
    assert (done, found.states, Reopen().missing(on)) == (["waited"], ["draining", "open"], [])


def test_votes_are_taken_again_after_a_command_that_was_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    found = taking(Intake(), monkeypatch)
    on = site(intake="draining")
    assert Reopen().missing(on) == ["take votes again"]
    Reopen().do(on)
    assert found.states == ["open"]


@pytest.mark.parametrize("state", ["open", "closed", "maintenance", None])
def test_what_somebody_closed_stays_closed(state: str | None) -> None:
    assert Reopen().missing(site(intake=state)) == []


def test_files_that_the_release_cannot_read_end_it_before_anything_is_changed() -> None:
    with pytest.raises(DeployError, match="postgres-1 cannot read postgresql-18"):
        Readable().missing(site(FILES_18, handed={}))
    assert Readable().missing(site(READS_2, WRITES_2, REDIS)) == []


@pytest.mark.parametrize(
    "on",
    [site(WRITES_2), site(WRITES_2, REDIS, handed={})],
    ids=["the queue has no intake", "the stack was taken down"],
)
def test_entries_that_cannot_be_drained_end_it_too(on: Site) -> None:
    with pytest.raises(DeployError, match="worker cannot read entry-2"):
        Readable().missing(on)


@pytest.mark.parametrize(
    "steps", [UP, ROLLBACK, BACK, SCALE], ids=["up", "rollback", "the way back", "scale"]
)
def test_the_queue_is_empty_before_the_workers_change_and_open_after_it(steps: Sequence[Step]) -> None:
    order = [type(step) for step in steps]
    wanted = [Readable, DataNodes, Drain, Deploy, Reopen, Health, Reopen, Record]
    assert [step for step in order if step in wanted] == wanted


def test_entries_of_what_was_good_last_may_still_wait() -> None:
    on = site()
    del vars(on)["formats"]
    vars(on).update(specifications=[], deployments=(Deployment(1, "", "", "", "up", OLDER, {}),))
    assert {each for one in on.formats for each in one.writes} == {"entry-1", "redis-8"}


KNOWS = declared("worker", {READS: "entry-1 polls-1"})
FIRST_POLL = Poll(1, "open")


@pytest.mark.parametrize(
    ("running", "poll", "refused"),
    [
        (SAME, None, False),  # what runs knows no polls either
        (KNOWS, FIRST_POLL, False),
        (KNOWS, None, True),  # the database is away
        (KNOWS, replace(FIRST_POLL, number=2), True),
        (KNOWS, replace(FIRST_POLL, state="closed"), True),
        (KNOWS, replace(FIRST_POLL, closes="2026-12-24T20:00:00+00:00"), True),
    ],
)
def test_a_release_that_knows_one_poll_comes_back_only_to_that_one(
    running: Any, poll: Poll | None, refused: bool
) -> None:
    on = site(running, SAME, REDIS)
    vars(on)["picture"] = replace(on.picture, poll=poll)
    with pytest.raises(DeployError, match="knows one poll") if refused else nullcontext():
        Readable().require(on)


def test_a_release_that_knows_polls_comes_to_any() -> None:
    text = STACK.replace("reads: entry-1", "reads: entry-1 polls-1")
    on = site(KNOWS, SAME, REDIS)
    on.frozen = replace(OLDER, files={"stack.yaml": text})
    Readable().require(on)
