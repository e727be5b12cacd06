"""One list of steps is what is printed and what is done, in this order, and nothing else."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest
from docker.errors import APIError

from deployment.configuration.settings import Settings
from deployment.errors import DeployError
from deployment.operations.runner import lock, operation
from deployment.operations.runner.operation import BrokenError
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import TurnLostError
from deployment.plan.release.release import Release
from deployment.progress import Progress


@pytest.fixture(autouse=True)
def _own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lock, "LOCK_FILE", tmp_path / "lock")
    monkeypatch.setattr(operation, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(operation, "POLL_SECONDS", 0)


@dataclass
class Fake:
    """A step that notes when it is done; `left` is what is missing after that."""

    name: str
    done: list[str]
    lines: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    touches: bool = False
    problem: BaseException | None = None

    def missing(self, site: Site) -> list[str]:
        return self.left if self.name in self.done else self.lines

    def do(self, site: Site) -> None:
        if self.problem:
            raise self.problem
        self.done.append(self.name)


class Refusal(Fake):
    def missing(self, site: Site) -> list[str]:
        raise DeployError("It cannot be done.", "Do something else.")


@pytest.fixture
def site() -> Site:
    made = Site(Settings(), Progress(quiet=True), None, lambda _: Release((), {}, {}))
    made.freeze = lambda: None  # type: ignore[method-assign]
    return made


def test_what_is_printed_is_what_is_done(site: Site) -> None:
    done: list[str] = []
    steps = [Fake("a", done, ["make a"]), Fake("b", done), Fake("c", done, ["make c", "and d"])]
    printed = [line for _, lines in operation.plan(steps, site) for line in lines]
    assert (printed, done) == (["make a", "make c", "and d"], [])
    assert operation.run(steps, site)
    assert done == ["a", "c"]
    assert operation.plan(steps, site) == []
    assert not operation.run(steps, site)
    assert done == ["a", "c"]


def test_a_refusal_comes_before_anything_is_done(site: Site) -> None:
    done: list[str] = []
    with pytest.raises(DeployError, match="cannot be done"):
        operation.run([Fake("a", done, ["make a"]), Refusal("b", done)], site)
    assert done == []


def test_what_was_done_and_is_still_missing_is_a_failure(site: Site) -> None:
    steps = [Fake("a", [], ["make a"], left=["make a"])]
    with pytest.raises(DeployError, match="still missing: make a"):
        operation.run(steps, site)


class Back:
    """A way back that notes how it was taken."""

    def __init__(self) -> None:
        self.begun = 0
        self.causes: list[str] = []

    def begin(self, site: Site) -> None:
        self.begun += 1

    def go(self, site: Site, cause: DeployError) -> NoReturn:
        self.causes.append(cause.what)
        raise cause


@pytest.mark.parametrize("touches", [False, True])
@pytest.mark.parametrize(
    "problem",
    [DeployError("a broke", "mend it"), APIError("a broke"), OSError("a broke"), KeyError("a broke")],
    ids=["foreseen", "the engine refused", "the engine is gone", "a mistake of ours"],
)
def test_only_what_touches_the_stack_leads_back(site: Site, touches: bool, problem: Exception) -> None:
    done, back = list[str](), Back()
    steps = [Fake("a", done, ["make a"], touches=touches, problem=problem), Fake("b", done, ["make b"])]
    with pytest.raises((DeployError, APIError, OSError, KeyError), match="a broke"):
        operation.run(steps, site, back)
    assert (back.begun, len(back.causes), done) == (1, int(touches), [])


def test_a_verb_that_lost_its_turn_undoes_nothing(site: Site) -> None:
    back = Back()
    lost = TurnLostError("the lock was taken", "wait")
    with pytest.raises(TurnLostError):
        operation.run([Fake("a", [], ["make a"], touches=True, problem=lost)], site, back)
    assert back.causes == []


def test_an_interruption_says_how_to_go_on(site: Site) -> None:
    with pytest.raises(DeployError, match="Interrupted") as interrupted:
        operation.run([Fake("a", [], ["make a"], problem=KeyboardInterrupt())], site)
    assert interrupted.value.code == 130
    assert "goes on from here" in interrupted.value.remedy


def test_without_a_way_back_the_cause_is_told(site: Site) -> None:
    broken = Fake("a", [], ["make a"], touches=True, problem=DeployError("a broke", "mend it"))
    with pytest.raises(DeployError, match="a broke"):
        operation.run([broken], site)
    with pytest.raises(BrokenError):
        operation.carry_out([broken], site)


def test_two_verbs_do_not_run_at_once(site: Site, tmp_path: Path) -> None:
    with lock.held(), pytest.raises(DeployError, match="at work on this machine"):
        operation.run([], site)


def test_what_was_seen_is_forgotten_after_each_step(site: Site) -> None:
    seen = site.nodes
    assert site.nodes is seen
    site.look_again()
    assert "nodes" not in vars(site)
