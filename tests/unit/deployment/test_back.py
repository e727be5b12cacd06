"""Whether a failed deployment is taken back: never to what did not run, nor for what was missing before."""

from types import SimpleNamespace
from typing import Any

import pytest

from deployment.configuration.settings import Settings
from deployment.engine.swarm import services
from deployment.errors import DeployError
from deployment.operations.release import back
from deployment.operations.release.back import WayBack
from deployment.operations.runner import operation
from deployment.operations.runner.operation import BrokenError
from deployment.operations.runner.site import Site
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.release.drift import Service
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.progress import Progress

CAUSE = DeployError("vote does not run.", "Mend it.", ["its last words"])
VARIABLES = {
    "VOTE_HOST": "vote.example.org", "RESULT_HOST": "result.example.org", "PROBE_KEY_SECRET": "old",
}  # fmt: skip
GOOD = Release(("s",), {"s": "services: {vote: {image: 'v:1'}}"}, VARIABLES)
NEW = Release(("s",), {"s": "services: {vote: {image: 'v:2'}}"}, VARIABLES)
KEPT = Deployment(7, "2026-01-01T00:00:00Z", "me@here", "abc", "up", GOOD, {"vote": Service(2, "f")})


def site(
    monkeypatch: pytest.MonkeyPatch, lacking: list[str], failure: str | None = None, **seen: Any
) -> Site:
    """Return a site on which the new release failed."""
    made = Site(Settings(), Progress(quiet=True), None, lambda _: NEW)
    made.ran, made.frozen = frozenset({GOOD.identity}), NEW
    found = {"deployments": (KEPT,), "handed": {"vote": NEW.identity}, "secrets": {}, "told": {}} | seen
    monkeypatch.setattr(Site, "look_again", lambda self: None)
    vars(made).update(found)
    monkeypatch.setattr(back, "_lacking", lambda _: lacking)
    monkeypatch.setattr(services, "states", lambda *_, **__: [ServiceState("vote", 2, 2, failure=failure)])
    monkeypatch.setattr(Site, "engine", "an engine")
    return made


def outcome(on: Site, monkeypatch: pytest.MonkeyPatch, problem: BaseException | None = None) -> DeployError:
    """Go back, and return what is raised; going back itself fails with the problem, if there is one."""

    def carry_out(*_: object) -> bool:
        if problem:
            raise problem
        return True

    monkeypatch.setattr(operation, "carry_out", carry_out)
    with pytest.raises(DeployError) as raised:
        WayBack().go(on, CAUSE)
    return raised.value


def test_a_pause_that_began_on_the_way_back_is_told_where_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[bool] = []

    def carry_out(_: object, former: Site) -> bool:
        former.pause = SimpleNamespace(leave=lambda: left.append(True))  # type: ignore[assignment]
        raise DeployError("vote is away.", "Look.")

    on = site(monkeypatch, ["vote 0/2"])
    monkeypatch.setattr(operation, "carry_out", carry_out)
    with pytest.raises(DeployError, match="failed, too"):
        WayBack().go(on, CAUSE)
    assert left == [True]


def test_the_former_release_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told = outcome(site(monkeypatch, ["vote 0/2"]), monkeypatch)
    assert told.what == f"vote does not run. The stack runs the former release {GOOD.identity} again."
    assert (told.code, told.evidence) == (1, ["its last words"])


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (BrokenError(DeployError("redis-2 was not restarted.", "Wait.")), 3, "redis-2 was not restarted."),
        (OSError("no engine"), 3, "no engine"),
        (KeyError("x"), 3, "KeyError"),
        (KeyboardInterrupt(), 130, "Interrupted while going back"),
    ],
    ids=["a step fails", "the engine is gone", "a mistake of ours", "interrupted"],
)
def test_both_failures_are_told(
    monkeypatch: pytest.MonkeyPatch, problem: BaseException, code: int, said: str
) -> None:
    told = outcome(site(monkeypatch, ["vote 0/2"]), monkeypatch, problem)
    assert told.code == code
    assert "vote does not run." in told.what
    assert said in told.what
    assert f"rollback {KEPT.number}" in told.remedy


@pytest.mark.parametrize(
    ("seen", "ran", "before", "lacking", "failure", "reason"),
    [
        ({"deployments": ()}, "good", [], ["x"], None, "no good release yet"),
        ({}, "unknown", [], ["x"], None, "no release that is kept"),
        ({}, "good", ["node-3 down"], ["node-3 down"], None, "the new release stays"),
    ],
    ids=["the first up", "something else ran before", "missing before"],
)
def test_the_stack_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
    seen: dict[str, Any],
    ran: str,
    before: list[str],
    lacking: list[str],
    failure: str | None,
    reason: str,
) -> None:
    on = site(monkeypatch, lacking, failure, **seen)
    on.ran = frozenset({GOOD.identity if ran == "good" else ran})
    on.before = frozenset(before)
    told = outcome(on, monkeypatch, AssertionError("it went back"))
    assert reason in told.remedy
    assert told.code == 1


@pytest.mark.parametrize(
    ("handed", "failure", "lacking"),
    [
        (GOOD.identity, None, ["node-3 down"]),
        (NEW.identity, "rollback started", ["node-3 down"]),
        (NEW.identity, None, ["node-3 down", "worker 0/2"]),
    ],
    ids=["Swarm took it back", "Swarm is about to", "more is missing than before"],
)
def test_what_was_missing_before_is_no_excuse_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, handed: str, failure: str | None, lacking: list[str]
) -> None:
    on = site(monkeypatch, lacking, failure, handed={"vote": handed})
    on.before = frozenset({"node-3 down"})
    assert "former release" in outcome(on, monkeypatch).what


def test_an_engine_that_is_gone_hides_neither_the_cause_nor_that_it_did_not_go_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = site(monkeypatch, ["vote 0/2"])

    def gone(_: Site) -> None:
        raise ConnectionError("the engine is gone")

    monkeypatch.setattr(Site, "look_again", gone)
    told = outcome(on, monkeypatch)
    assert told.code == 3
    assert CAUSE.what in told.what
    assert "the engine is gone" in told.what
    assert "with the number that `releases` marks" in told.remedy


CHANGED = {"probe_key": "new"}
STAGE = GOOD.renewed(CHANGED, {})


@pytest.mark.parametrize(
    ("ran", "wanted", "said"),
    [
        (STAGE, NEW, "The stack runs the former release"),
        (STAGE, STAGE, "there is nothing to go back to"),
        (GOOD, STAGE, "there is nothing to go back to"),
        (NEW, NEW, "no release that is kept"),
    ],
    ids=["another release", "the same release", "the first of a change", "something else ran before"],
)
def test_in_the_middle_of_a_change_of_secrets_it_goes_back_to_the_same_stage(
    monkeypatch: pytest.MonkeyPatch, ran: Release, wanted: Release, said: str
) -> None:
    on = site(monkeypatch, ["vote 0/2"], secrets=CHANGED, handed={"vote": ran.identity})
    on.frozen = wanted
    WayBack().begin(on)
    on.before = frozenset()
    told = outcome(on, monkeypatch)
    assert said in f"{told.what} {told.remedy}"
    assert back._former(on, KEPT).goal(on) == STAGE
