"""Voting is paused by an operator: what is missing for it, and what is said of it."""

import time
from dataclasses import replace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from deployment.cli import maintenance as cli_maintenance
from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.engine.records import maintenance as kept_in_swarm
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.operations.votes import maintenance
from deployment.operations.votes.maintenance import Paused, Resumed, step
from deployment.plan.cluster.picture import Picture, Poll, Queue
from deployment.plan.maintenance import Maintenance, closed
from deployment.progress import Progress

KEPT = Maintenance("ann@node-1", "2026-11-29T15:00:00+00:00", "new disks")
PAUSE = ["take no votes: voters read that the page is being worked on"]
AGAIN = ["take votes again"]


class Stack:
    """A stack with an intake, and with a shelf for who paused the voting."""

    def __init__(self, intake: str | None, kept: Maintenance | None, patch: pytest.MonkeyPatch) -> None:
        self.intake, self.kept = intake, kept
        self.done: list[str] = []
        self.poll = Poll()
        patch.setattr(
            observer, "observe", lambda _: Picture(1.0, queue=Queue(intake=self.intake), poll=self.poll)
        )
        patch.setattr(observer, "set_intake", self._set)
        patch.setattr(kept_in_swarm, "read", lambda _: self.kept)
        patch.setattr(kept_in_swarm, "keep", self._keep)
        patch.setattr(kept_in_swarm, "forget", lambda _: self._keep(None, None))

    def site(self) -> Site:
        """Return a site that has seen nothing yet."""
        on = Site(Settings(), Progress(quiet=True), cast(Any, "an engine"), lambda _: None)
        vars(on)["membership"] = Membership.MANAGER
        return on

    def make(self, wanted: Step) -> list[str]:
        """Do what is missing, and return what is missing then."""
        if wanted.missing(self.site()):
            wanted.do(self.site())
        return wanted.missing(self.site())

    def _set(self, _: object, state: str, seconds: int = 0) -> int:
        assert bool(seconds) == (state == "draining"), "it lasts until somebody says otherwise"
        self.intake = state
        self.done.append(state)
        return 0

    def _keep(self, _: object, kept: Maintenance | None) -> None:
        self.kept = kept
        self.done.append("kept" if kept else "forgotten")


@pytest.mark.parametrize(
    ("wanted", "intake", "kept", "missing"),
    [
        (Paused(), "open", None, PAUSE),
        (Paused(), "draining", None, PAUSE),  # of a command that was cut short
        (Paused(), "open", KEPT, PAUSE),  # interrupted between the two, or the queue has lost its word
        (Paused(), "maintenance", None, ["note who paused the voting, and why"]),
        (Paused(), "maintenance", KEPT, []),
        (Paused("new disks"), "maintenance", KEPT, []),
        (Paused("new cables"), "maintenance", KEPT, ["note who paused the voting, and why"]),
        (Resumed(), "maintenance", KEPT, AGAIN),
        (Resumed(), "maintenance", None, AGAIN),
        (Resumed(), "open", KEPT, ["forget the maintenance"]),
        (Resumed(), "open", None, []),
        (Resumed(), "closed", None, []),
        (Resumed(), "draining", None, []),
        (Resumed(), "draining", KEPT, ["forget the maintenance"]),  # a change of release was cut short
    ],
)
def test_what_is_missing(
    wanted: Step, intake: str, kept: Maintenance | None, missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(intake, kept, monkeypatch)
    assert wanted.missing(stack.site()) == missing
    assert stack.make(wanted) == []
    before = list(stack.done)
    assert stack.make(wanted) == []
    assert stack.done == before, "again, and nothing is done"


def test_who_paused_it_is_known_before_it_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a change of release that comes in between leaves it on."""
    stack = Stack("open", None, monkeypatch)
    stack.make(step("on", "new disks"))
    assert stack.done == ["kept", "maintenance"]
    assert stack.kept is not None
    assert stack.kept.message == "new disks"
    stack.done.clear()
    stack.make(step("off"))
    assert stack.done == ["forgotten", "open"], "interrupted in between no votes are taken, and `off` ends it"


def test_an_interrupted_end_is_said_and_ended_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """No record is left that a later change of release would believe."""
    stack = Stack("maintenance", KEPT, monkeypatch)
    with monkeypatch.context() as cut:
        cut.setattr(observer, "set_intake", interrupted)
        with pytest.raises(KeyboardInterrupt):
            step("off").do(stack.site())
    assert (stack.intake, stack.kept) == ("maintenance", None)
    assert closed(stack.intake, stack.kept)
    assert stack.make(step("off")) == []
    assert stack.intake == "open"


def interrupted(*_: object) -> int:
    raise KeyboardInterrupt


def test_the_end_during_a_change_of_release_that_was_cut_short_leaves_the_intake_to_end_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = Stack("draining", KEPT, monkeypatch)
    stack.make(step("off"))
    assert stack.done == ["forgotten", "draining"]


@pytest.mark.parametrize("intake", ["closed", "unreadable"])
def test_what_somebody_closed_is_not_made_a_maintenance(intake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end would open it."""
    stack = Stack(intake, None, monkeypatch)
    with pytest.raises(DeployError, match=f"{intake}: nobody can vote already"):
        step("on").missing(stack.site())
    assert stack.done == []


def test_another_message_changes_neither_who_nor_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack("maintenance", KEPT, monkeypatch)
    stack.make(Paused("new cables"))
    assert stack.kept == replace(KEPT, message="new cables")
    assert stack.done == ["kept"]


@pytest.mark.parametrize("wanted", [Paused(), Resumed()])
def test_where_nobody_can_say_it_is_refused(wanted: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with the word that nothing was changed: a restore may have changed the votes by then."""
    monkeypatch.setattr(maintenance, "ANSWER_SECONDS", -1.0)
    stack = Stack(None, None, monkeypatch)
    with pytest.raises(DeployError, match=r"the queue does not answer it\.$"):
        wanted.missing(stack.site())
    assert stack.done == []


@pytest.mark.parametrize(("wanted", "missing"), [(Paused(), PAUSE), (Resumed(), [])])
def test_an_observer_that_has_just_lost_its_connection_is_waited_for(
    wanted: Step, missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(None, None, monkeypatch)
    monkeypatch.setattr(Site, "membership", Membership.MANAGER)
    monkeypatch.setattr(time, "sleep", lambda _: setattr(stack, "intake", "open"))
    assert wanted.missing(stack.site()) == missing


SINCE = "maintenance since 2026-11-29 15:00 UTC, by ann@node-1: new disks"


@pytest.mark.parametrize(
    ("intake", "kept", "said"),
    [
        ("open", None, []),
        (None, None, []),
        (None, KEPT, [f"{SINCE}; whether it is in force is not known"]),
        ("draining", None, ["the intake is draining: nobody can vote"]),
        ("draining", KEPT, [f"{SINCE}; the queue runs empty for a change of release, and nobody can vote"]),
        ("closed", None, ["the intake is closed: nobody can vote"]),
        ("maintenance", KEPT, [f"{SINCE}; nobody can vote (`python3 deploy.py maintenance off` ends it)"]),
        (
            "maintenance",
            None,
            ["maintenance, by hand; nobody can vote (`python3 deploy.py maintenance off` ends it)"],
        ),
        ("open", KEPT, [f"{SINCE}, which is not in force: say `maintenance on` or `off` once more"]),
    ],
)
def test_an_intake_that_is_not_open_is_named(
    intake: str | None, kept: Maintenance | None, said: list[str]
) -> None:
    assert closed(intake, kept) == said


@pytest.mark.parametrize(
    ("intake", "kept", "code"),
    [("open", None, 0), ("maintenance", KEPT, 1), ("open", KEPT, 1), (None, None, 1)],
)
def test_its_status(
    intake: str | None, kept: Maintenance | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(intake, kept, monkeypatch)
    monkeypatch.setattr(cli_maintenance, "manager", lambda: "an engine")
    monkeypatch.setattr("deployment.operations.votes.maintenance.site", lambda *_: stack.site())
    assert CliRunner().invoke(cli_maintenance.app, ["status"]).exit_code == code


@pytest.mark.parametrize("poll", [Poll(state="final"), Poll(over=True)], ids=["closed", "its time has come"])
def test_nobody_says_that_votes_are_taken_where_the_poll_is_over(
    poll: Poll, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack("open", None, monkeypatch)
    stack.poll = poll
    monkeypatch.setattr(cli_maintenance, "manager", lambda: "an engine")
    monkeypatch.setattr("deployment.operations.votes.maintenance.site", lambda *_: stack.site())
    told = CliRunner().invoke(cli_maintenance.app, ["status"])
    assert (told.output, told.exit_code) == ("poll 1 is over\n", 1)
