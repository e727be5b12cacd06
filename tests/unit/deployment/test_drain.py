"""No worker meets entries that it cannot read: none is taken, and none waits, while the release changes."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.operations.steps import convergence, formats
from deployment.operations.steps.formats import Drain, Readable, Reopen
from deployment.plan.cluster.picture import Picture, Queue
from deployment.plan.release.formats import READS, WRITES, declared
from deployment.plan.release.release import Release
from deployment.progress import Progress

STACK = """
services:
  vote: {image: v, deploy: {labels: {vote-app.formats.writes: entry-1}}}
  worker: {image: w, deploy: {labels: {vote-app.formats.reads: entry-1}}}
  postgres-1: {image: p, deploy: {labels: {vote-app.formats.reads: postgresql-17}}}
"""
OLDER = Release(("stack.yaml",), {"stack.yaml": STACK}, {})
WRITES_2 = declared("vote", {WRITES: "entry-2"})
READS_2 = declared("worker", {READS: "entry-1 entry-2"})
SAME = declared("vote", {WRITES: "entry-1"})
FILES_18 = declared("postgres-1", {WRITES: "postgresql-18"})


class Intake:
    """The observer's, with so many entries to wait for; it fails as often as it is told to."""

    def __init__(self, entries: Iterator[int], failures: int = 0) -> None:
        self.states: list[str] = []
        self._entries, self._failures = entries, failures

    def set(self, _: object, state: str) -> int:
        if self._failures:
            self._failures -= 1
            raise DeployError("no replica confirmed it", "")
        self.states.append(state)
        return next(self._entries)


def site(*running: Any, intake: str | None = "open", pending: int | None = 0, **seen: Any) -> Site:
    on = Site(Settings(), Progress(quiet=True), cast(DockerClient, "an engine"), lambda _: OLDER)
    picture = Picture(at=1.0, queue=Queue(pending=pending, intake=intake))
    vars(on).update({"handed": {"vote": "r"}, "formats": list(running), "picture": picture, **seen})
    return on


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(convergence, "unfinished", lambda _: [])


@pytest.mark.parametrize(
    ("on", "drained"),
    [
        (site(SAME), True),
        (site(WRITES_2), False),
        (site(WRITES_2, intake="draining"), True),
        (site(WRITES_2, intake="closed"), True),
        (site(WRITES_2, intake="draining", pending=3), False),
        (site(WRITES_2, intake="draining", pending=None), False),
        (site(WRITES_2, intake=None), False),
        (site(WRITES_2, handed={}), True),
    ],
    ids=["readable", "not", "drained", "closed", "not empty", "unknown", "no intake", "no stack"],
)
def test_a_queue_is_drained_where_entries_cannot_be_read(on: Site, drained: bool) -> None:
    lines = Drain().missing(on)
    assert lines == ([] if drained else [f"{formats.PAUSE}: worker cannot read entry-2"])


@pytest.mark.usefixtures("quick")
def test_draining_waits_until_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    intake = Intake(iter([5, 1, 0]), failures=2)
    monkeypatch.setattr(observer, "set_intake", intake.set)
    on = site(WRITES_2)
    Drain().do(on)
    assert intake.states == ["draining"] * 3
    assert on.paused is not None


@pytest.mark.usefixtures("quick")
def test_a_queue_that_does_not_run_empty_takes_votes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    intake = Intake(iter([5, 5, 5]))
    monkeypatch.setattr(observer, "set_intake", intake.set)
    monkeypatch.setattr(formats, "DRAIN_SECONDS", 0)
    with pytest.raises(DeployError, match="5 entries still wait") as stuck:
        Drain().do(site(WRITES_2))
    assert "Votes are taken again" in stuck.value.what
    assert intake.states == ["draining", "open"]


@pytest.mark.usefixtures("quick")
def test_votes_are_taken_again_once_everything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    intake = Intake(iter([0]))
    monkeypatch.setattr(observer, "set_intake", intake.set)
    monkeypatch.setattr(convergence, "unfinished", lambda _: ["worker"])
    monkeypatch.setattr(convergence, "wait", lambda _: done.append("waited"))
    on = site(intake="draining")
    assert Reopen().missing(on) == ["take votes again"]
    Reopen().do(on)
    assert (done, intake.states) == (["waited"], ["open"])


@pytest.mark.parametrize("intake", ["open", "closed", "maintenance", None])
def test_what_somebody_closed_stays_closed(intake: str | None) -> None:
    assert Reopen().missing(site(intake=intake)) == []


def test_files_that_the_release_cannot_read_end_it_before_anything_is_changed() -> None:
    with pytest.raises(DeployError, match=r"postgres-1 cannot read postgresql-18. Nothing was changed"):
        Readable().missing(site(FILES_18))
    assert Readable().missing(site(READS_2, WRITES_2)) == []
    assert Readable().missing(site(FILES_18, handed={})) == []
