"""The votes of a moment come back: which moment is meant, and that it ends well wherever it is cut short."""

import itertools
import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from docker.errors import APIError

from deployment.cli import restore as command
from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.engine import restoration as runner
from deployment.engine.records import maintenance as paused_in_swarm
from deployment.engine.records import restoration as kept_in_swarm
from deployment.engine.swarm import membership
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations.restore import later, ongoing, restoration
from deployment.operations.restore.wanted import Wanted
from deployment.operations.runner import log, operation
from deployment.operations.runner.site import Site
from deployment.plan import restoration as plan
from deployment.plan.cluster.picture import Picture, Poll, Queue
from deployment.plan.maintenance import Maintenance
from deployment.plan.restoration import REPLAY, SET_ASIDE, Restoration
from deployment.progress import Progress

NOW = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
MOMENT, LABEL = "2026-11-29T15:00:00+00:00", "20261129-030002F_20261129-090000D"
LATER = [
    json.dumps({"id": "ann", "vote": "a", "version": 7, "restored": None}) + "\n",
    json.dumps({"id": "bob", "vote": "b", "version": 9, "restored": "a"}) + "\n",
]
PAUSE = Maintenance("ann@node-1", "2026-11-29T15:00:00+00:00", "")


@pytest.mark.parametrize(
    ("text", "to", "asked", "named"),
    [
        ("2026-11-29 15:00:00", MOMENT, ("--to", MOMENT), "2026-11-29 15:00:00 UTC"),
        ("2026-11-29 16:00:00+01:00", "2026-11-29T16:00:00+01:00", ("--to", "2026-11-29T16:00:00+01:00"),
         "2026-11-29 15:00:00 UTC"),
        (LABEL, LABEL, ("--backup", LABEL), f"backup {LABEL}"),
        ("latest", "latest", (), "the last moment in the store"),
    ],
)  # fmt: skip
def test_a_moment_has_three_names(text: str, to: str, asked: tuple[str, ...], named: str) -> None:
    assert plan.target(text, NOW) == to
    assert (plan.asked(to), plan.named(to)) == (asked, named)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-29 17:00:00", "still to come"),
        ("yesterday", "say a moment"),
        ("2026-11-29", "say a moment"),
        ("20261129-030002", "say a moment"),
        ("", "say a moment"),
    ],
)
def test_no_moment_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plan.target(text, NOW)


def test_it_is_said_to_the_second_with_every_number() -> None:
    state = {"moment": "2026-11-29T14:59:21.4+00:00", "rows": 200_000, "votes": {"b": 133_334, "a": 66_666}}
    said = plan.sentence({**state, "later": 1234}, {"b": 1000, "a": 234}, "FILE", 17, 0)
    assert said == (
        "Restored to 2026-11-29 14:59:21 UTC: 200,000 votes (a 66,666, b 133,334); 1,234 later votes "
        "(a 234, b 1,000) are in FILE; 17 queued votes replayed"
    )
    assert "no later votes were there" in plan.sentence({**state, "later": 0}, {}, "FILE", 0, 0)
    assert "; 12 votes were in a table" in plan.sentence({**state, "later": 0}, {}, "FILE", 0, 12)


def test_one_that_has_not_ended_is_warned_of() -> None:
    assert plan.unfinished(None) == []
    (said,) = plan.unfinished(Restoration("restore_x", MOMENT, "ann@node-1", "2026-11-29T16:00:00+00:00"))
    assert said == (
        "the votes of 2026-11-29 15:00:00 UTC are being brought back, since 2026-11-29T16:00:00 by ann@node-1"
        f', and that has not ended; run `python3 deploy.py restore --to "{MOMENT}"` again: '
        "it goes on, or begins anew if it was given up"
    )


class CutError(Exception):
    """The command was interrupted."""


class Stack:
    """A stack that is backed up, and its runner; `cut` is the part at whose end the command is cut off."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.intake, self.paused = "open", cast(Maintenance | None, None)
        self.kept: Restoration | None = None
        self.states: dict[str, dict[str, Any]] = {}
        self.done: list[str] = []
        self.marks = itertools.count(1)
        self.entries, self.rows, self.cut = 0, 5, ""
        self.later = list(LATER)
        self.poll, self.untold, self.anew = 1, 0, False
        patch.setattr(membership, "membership", lambda _: Membership.MANAGER)
        patch.setattr(observer, "observe", lambda _: self._picture())
        patch.setattr(observer, "set_intake", self._intake)
        patch.setattr(restoration, "HEALTHY_SECONDS", 0.0)
        patch.setattr(restoration, "EMPTY_SECONDS", 0.0)
        patch.setattr(restoration, "POLL_SECONDS", 0.0)
        patch.setattr(plan, "mark", lambda _: f"restore_{next(self.marks)}")
        patch.setattr(runner, "part", self._part)
        patch.setattr(runner, "later", lambda *_: iter(self.later))
        for module, name in ((paused_in_swarm, "paused"), (kept_in_swarm, "kept")):
            patch.setattr(module, "read", lambda _, name=name: getattr(self, name))
            patch.setattr(module, "keep", lambda _, kept, name=name: setattr(self, name, kept))
            patch.setattr(module, "forget", lambda _, name=name: setattr(self, name, None))

    def site(self) -> Site:
        return Site(Settings(), Progress(quiet=True), cast(Any, "an engine"), lambda _: None)

    def restore(
        self, folder: Path, to: str = MOMENT, choice: str = REPLAY, yes: bool = True, file: str = ""
    ) -> str:
        """Run it as the command does, and return its last line."""
        on = self.site()

        def ask(question: str) -> None:
            if not yes:
                raise DeployError(question, "say yes")

        kept, seen = ongoing.begin(on, to)
        wanted = Wanted(kept, seen, folder / (file or f"{kept.mark}.ndjson"), ask, lambda _: choice)
        steps = restoration.steps(wanted, on)
        operation.carry_out(steps, on)
        proved = next(step for step in steps if isinstance(step, restoration.Proved))
        ended = next(step for step in steps if isinstance(step, restoration.Ended))
        return plan.sentence(
            ended.state, later.by_option(wanted.file), wanted.file.name, proved.newer, wanted.unread
        )

    def is_cut_off(self, part: str, folder: Path, to: str = MOMENT, file: str = "") -> None:
        """Run it until that part is done, and no further."""
        self.cut = part
        with pytest.raises(CutError):
            self.restore(folder, to, file=file)

    def _picture(self) -> Picture:
        """Return what is seen, and have a worker tell the queue which poll there is some looks later."""
        if "swap" in self.done and self.untold:
            self.untold -= 1
        poll = Poll(number=self.poll, told=not self.untold)
        return Picture(1.0, queue=Queue(intake=self.intake), poll=poll)

    def _intake(self, _: object, state: str, seconds: int = 0) -> int:
        del seconds
        self.intake = state or self.intake
        if state:
            self._did(state)
        assert not (state == "open" and self.untold), "votes are taken for the poll before"
        return self.entries

    def _part(self, _: object, name: str, mark: str, options: object = (), say: object = None) -> Any:
        del options, say
        if name not in ("state", "possible", "count", "check"):
            self._did(name)
        if name == "bring":
            nothing = dict.fromkeys(("swapped", "ended", "later", "later_versions"))
            self.states[mark] = {"moment": MOMENT, "rows": 5, "votes": {"a": 5}, "anew": self.anew, **nothing}
        state = self.states.get(mark)
        if name == "swap" and state:
            self.rows, figures = 5, plan.added(self.later)
            state |= {"swapped": MOMENT, "later": figures[0], "later_versions": str(figures[1])}
        if name == "end" and state:
            state |= {"ended": MOMENT}
        if name == "check":
            self.promoted()
        if self.cut == name:
            self.cut = ""
            raise CutError
        counted = {
            "rows": self.rows,
            "tally": 5,
            "later": len(self.later),
            "newer": 3,
            "lacking": 0,
            "poll": self.poll,
        }
        return counted if name in ("count", "check") else state

    def promoted(self) -> None:
        """Be what happens while the primary is asked."""

    def _did(self, what: str) -> None:
        self.done.append(what)


def asked_for(on: Site, file: Path) -> Wanted:
    """Return what is wanted by who says yes to everything."""
    return Wanted(*ongoing.begin(on, MOMENT), file, lambda _: None, lambda _: REPLAY)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(monkeypatch)


def test_later_votes_are_written_before_they_go_and_voting_goes_on_at_the_end(
    stack: Stack, tmp_path: Path
) -> None:
    said = stack.restore(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.read_text() == "".join(LATER)
    assert file.stat().st_mode & 0o777 == 0o600
    assert stack.done == ["maintenance", "bring", "swap", "open", "end"]
    assert (stack.intake, stack.kept, stack.paused) == ("open", None, None)
    assert said.endswith(f"2 later votes (a 1, b 1) are in {file.name}; 3 queued votes replayed")


@pytest.mark.parametrize("part", ["bring", "count", "swap", "check"])
def test_wherever_it_is_cut_short_the_same_command_ends_it(stack: Stack, tmp_path: Path, part: str) -> None:
    stack.is_cut_off(part, tmp_path)
    mark = stack.kept and stack.kept.mark
    assert stack.restore(tmp_path).startswith("Restored to 2026-11-29 15:00:00 UTC")
    assert stack.done.count("swap") == 1
    assert [file.name for file in tmp_path.iterdir()] == [f"{mark}.ndjson"]
    assert (stack.intake, stack.kept, stack.paused) == ("open", None, None)


def test_votes_that_came_between_the_file_and_the_lock_are_in_it_at_last(
    stack: Stack, tmp_path: Path
) -> None:
    held = list(stack.later)
    stack.later = held[:1]
    stack.is_cut_off("swap", tmp_path)
    stack.later = held
    stack.states["restore_1"] |= dict(zip(("later", "later_versions"), plan.added(held), strict=True))
    stack.restore(tmp_path)
    assert next(tmp_path.iterdir()).read_text() == "".join(held)


def test_another_moment_begins_after_a_question_where_one_is_half_done(stack: Stack, tmp_path: Path) -> None:
    stack.is_cut_off("swap", tmp_path)
    with pytest.raises(DeployError, match=r"Not ended: the votes of .* schema restore_1"):
        stack.restore(tmp_path, "latest", yes=False)
    mark = stack.kept and stack.kept.mark
    stack.restore(tmp_path, "latest")
    assert mark == "restore_1"
    assert [state["ended"] for state in stack.states.values()] == [MOMENT, MOMENT]
    assert (stack.intake, stack.kept, stack.paused) == ("open", None, None)


def test_of_one_that_had_ended_only_the_note_is_removed(stack: Stack, tmp_path: Path) -> None:
    stack.is_cut_off("end", tmp_path)
    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    operation.carry_out(restoration.steps(wanted, on), on)
    assert stack.done == ["maintenance", "bring", "swap", "open", "end", "end"]
    assert stack.kept is None
    stack.restore(tmp_path)
    assert stack.done.count("swap") == 2


@pytest.mark.parametrize("forgotten", [True, False])
def test_one_that_another_command_ends_meanwhile_is_not_gone_on_with(
    stack: Stack, tmp_path: Path, forgotten: bool
) -> None:
    stack.is_cut_off("check", tmp_path)
    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    steps = restoration.steps(wanted, on)
    operation.plan(steps, on)
    stack.cut = "" if forgotten else "end"
    with nullcontext() if forgotten else pytest.raises(CutError):
        stack.restore(tmp_path)  # while the question of the other one waits
    done, on = list(stack.done), stack.site()
    with pytest.raises(DeployError, match="15:00:00 UTC has ended meanwhile"):
        operation.carry_out(steps, on)
    assert (stack.done, stack.intake) == (done, "open")


def test_one_that_another_command_begins_meanwhile_is_left_alone(stack: Stack, tmp_path: Path) -> None:
    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    stack.is_cut_off("bring", tmp_path, "latest")
    kept = stack.kept
    with pytest.raises(DeployError, match="restore the last moment in the store meanwhile"):
        operation.carry_out(restoration.steps(wanted, on), on)
    assert stack.kept == kept


FIRST, OTHER = (Restoration(f"restore_{n}", MOMENT, "", "") for n in (1, 2))


@pytest.mark.parametrize(
    ("seen", "kept", "ended", "said"),
    [
        pytest.param(None, None, False, "", id="none"),
        pytest.param(FIRST, FIRST, False, "", id="as it was"),
        pytest.param(FIRST, None, False, "has ended", id="forgotten"),
        pytest.param(FIRST, FIRST, True, "has ended", id="ended, and not forgotten"),
        pytest.param(None, FIRST, False, "Another command", id="begun"),
        pytest.param(FIRST, OTHER, False, "Another command", id="another one begun"),
        pytest.param(FIRST, replace(FIRST, file="a:/x"), False, "Another command", id="gone on with"),
    ],
)
def test_what_another_command_has_done_meanwhile(
    seen: Restoration | None, kept: Restoration | None, ended: bool, said: str
) -> None:
    found = plan.overtaken(seen, kept, ended=ended)
    assert said in found
    assert bool(said) == bool(found)


def test_the_note_of_another_one_outlives_the_end_of_this_one(stack: Stack, tmp_path: Path) -> None:
    stack.is_cut_off("end", tmp_path)
    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    steps = restoration.steps(wanted, on)
    stack.kept = OTHER
    operation.carry_out(steps, on)
    assert stack.kept == OTHER


@pytest.mark.parametrize("paused", [PAUSE, None])
def test_of_one_that_had_ended_it_is_said_that_voting_is_paused(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    paused: Maintenance | None,
) -> None:  # fmt: skip
    stack.is_cut_off("end", tmp_path)
    stack.paused, on = paused, replace(stack.site(), progress=Progress())
    wanted = asked_for(on, tmp_path / "file")
    monkeypatch.setattr(operation, "run", operation.carry_out)
    command._restore(on, wanted, restoration.steps(wanted, on), yes=True)
    assert ("Voting is paused" in capsys.readouterr().err) is bool(paused)


def test_a_swap_that_the_next_primary_lacks_is_done_again(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {"swapped": None, "later": None, "later_versions": None}
    monkeypatch.setattr(stack, "promoted", lambda: stack.states["restore_1"].update(lost))
    with pytest.raises(DeployError, match="not in their place any more"):
        stack.restore(tmp_path)
    assert (stack.intake, "end" in stack.done) == ("maintenance", False)
    monkeypatch.setattr(stack, "promoted", lambda: None)
    stack.restore(tmp_path)
    assert (stack.intake, stack.done.count("swap")) == ("open", 2)


@pytest.mark.parametrize("later", [None, PAUSE])
@pytest.mark.parametrize("to", [MOMENT, "latest"])
def test_one_that_was_given_up_is_begun_anew_also_in_a_pause_of_later(
    stack: Stack, tmp_path: Path, later: Maintenance | None, to: str
) -> None:
    stack.is_cut_off("bring", tmp_path, "latest")
    stack.paused, stack.intake = later, "maintenance" if later else "open"  # `maintenance off`, and `on`
    stack.restore(tmp_path, to)
    assert [mark for mark, state in stack.states.items() if state["swapped"]] == ["restore_2"]
    assert (stack.paused, stack.intake) == (later, "maintenance" if later else "open")


def test_a_pause_that_somebody_made_after_the_swap_is_theirs(stack: Stack, tmp_path: Path) -> None:
    stack.is_cut_off("swap", tmp_path)
    stack.paused = PAUSE
    stack.restore(tmp_path)
    assert (stack.paused, stack.intake, stack.done.count("swap")) == (PAUSE, "maintenance", 1)


def test_a_pause_that_somebody_makes_before_it_begins_is_theirs(stack: Stack, tmp_path: Path) -> None:
    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    steps = restoration.steps(wanted, on)
    stack.paused, stack.intake = PAUSE, "maintenance"  # while the question waits for its answer
    on.look_again()
    operation.carry_out(steps, on)
    assert stack.paused is not None
    assert (stack.paused.since, stack.intake) == (PAUSE.since, "maintenance")


@pytest.mark.parametrize("to", [MOMENT, "latest"])
def test_the_pause_of_one_that_was_cut_short_ends_with_what_follows(
    stack: Stack, tmp_path: Path, to: str
) -> None:
    stack.is_cut_off("bring", tmp_path)
    stack.restore(tmp_path, to)
    assert (stack.intake, stack.paused, stack.kept) == ("open", None, None)


def test_voting_that_was_paused_before_stays_paused(stack: Stack, tmp_path: Path) -> None:
    stack.paused, stack.intake = PAUSE, "maintenance"
    stack.restore(tmp_path)
    assert (stack.intake, stack.paused, stack.kept) == ("maintenance", PAUSE, None)


@pytest.mark.parametrize("part", ["bring", "swap", "check"])
def test_voting_that_was_paused_before_and_opened_in_between_goes_on(
    stack: Stack, tmp_path: Path, part: str
) -> None:
    stack.paused, stack.intake, stack.cut = PAUSE, "maintenance", part
    with pytest.raises(CutError):
        stack.restore(tmp_path)
    stack.paused, stack.intake = None, "open"  # `maintenance off`, as it is advised
    stack.restore(tmp_path)
    assert (stack.intake, stack.paused, stack.kept) == ("open", None, None)


def test_whose_pause_it_is_is_kept_before_it_begins(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off between the two, it would leave voting shut."""

    def cut(*_: object) -> None:
        raise CutError

    stack.paused, stack.intake, stack.cut = PAUSE, "maintenance", "swap"
    with pytest.raises(CutError):
        stack.restore(tmp_path)
    stack.paused, stack.intake = None, "open"
    with monkeypatch.context() as patch:
        patch.setattr(observer, "set_intake", cut)
        with pytest.raises(CutError):
            stack.restore(tmp_path)
    assert stack.kept is not None
    assert not stack.kept.paused
    stack.restore(tmp_path)
    assert (stack.intake, stack.paused) == ("open", None)


def test_where_the_table_was_dropped_it_goes_on_only_after_a_question(stack: Stack, tmp_path: Path) -> None:
    stack.rows = 1
    with pytest.raises(DeployError, match="tally counts 5 votes, and the table holds 1"):
        stack.restore(tmp_path, yes=False)
    assert "swap" not in stack.done
    said = stack.restore(tmp_path)
    assert "4 votes were in a table that was dropped: the later ones of them are in no file" in said


@pytest.mark.parametrize("name", ["there", "none/file", "folder"])
def test_where_the_file_cannot_be_or_is_another_nothing_is_begun(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there").write_text("of another one")
    with pytest.raises(DeployError, match="cannot be written to") as refused:
        later.require_place(tmp_path / name, own=False)
    assert refused.value.remedy.startswith("Nothing was changed")


def test_whoever_goes_on_writes_the_same_file(stack: Stack, tmp_path: Path) -> None:
    stack.is_cut_off("swap", tmp_path)
    assert list(tmp_path.iterdir())
    stack.restore(tmp_path)
    stack.marks = itertools.count(1)
    with pytest.raises(DeployError, match="it exists"):
        stack.restore(tmp_path)
    assert stack.intake == "open"


@pytest.mark.parametrize("again", ["votes", "later-votes-restore_1.ndjson"])
def test_whoever_goes_on_writes_files_of_the_same_restoration(
    stack: Stack, tmp_path: Path, again: str
) -> None:
    stack.is_cut_off("swap", tmp_path, file="votes")
    (tmp_path / again).write_text("half of it")
    stack.restore(tmp_path, file=again)
    assert (tmp_path / again).read_text() == "".join(LATER)


def test_whoever_goes_on_writes_over_no_other_file(stack: Stack, tmp_path: Path) -> None:
    stack.is_cut_off("swap", tmp_path)
    (tmp_path / "another").write_text("of somebody")
    with pytest.raises(DeployError, match="another: it exists"):
        stack.restore(tmp_path, file="another")
    assert (tmp_path / "another").read_text() == "of somebody"


def test_a_file_that_is_named_later_is_written_again_too(stack: Stack, tmp_path: Path) -> None:
    for part, file in (("swap", "one"), ("check", "two")):
        stack.is_cut_off(part, tmp_path, file=file)
    stack.restore(tmp_path, file="two")
    assert (stack.intake, stack.kept) == ("open", None)


@pytest.mark.parametrize(
    ("mark", "kept", "file", "own"),
    [
        pytest.param("restore_1", "a:/x/votes", "a:/x/votes", True, id="what it kept"),
        pytest.param("restore_1", "a:/x/votes", "b:/x/votes", False, id="on another machine"),
        pytest.param("restore_1", "", "a:/y/later-votes-restore_1.ndjson", True, id="by its name"),
        pytest.param("restore_1", "", "a:/y/later-votes-restore_2.ndjson", False, id="the name of another"),
        pytest.param("restore_2", "a:/x/votes", "a:/x/votes", False, id="what another one kept"),
    ],
)
def test_which_files_a_restoration_may_have_written(mark: str, kept: str, file: str, own: bool) -> None:
    wanted = Restoration("restore_1", MOMENT, "", "", file=file)
    assert plan.is_own_file(Restoration(mark, MOMENT, "", "", file=kept), wanted) is own
    assert not plan.is_own_file(None, wanted)


@pytest.mark.parametrize(
    ("choice", "why"), [(SET_ASIDE, "cannot be set aside"), (REPLAY, "still wait in the queue")]
)
def test_a_queue_that_no_worker_empties_is_said(stack: Stack, tmp_path: Path, choice: str, why: str) -> None:
    stack.entries = 4
    with pytest.raises(DeployError, match=why):
        stack.restore(tmp_path, choice=choice)
    assert ("swap" in stack.done) is (choice == REPLAY)
    assert stack.intake == "maintenance"


def test_votes_are_taken_only_when_the_queue_knows_the_poll_that_came_back(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.anew, stack.poll, stack.untold = True, 2, 4
    stack.restore(tmp_path)
    assert (stack.intake, stack.untold) == ("open", 0)
    stack.untold = 1_000_000
    monkeypatch.setattr(restoration, "TOLD_SECONDS", 0.0)
    with pytest.raises(DeployError, match="does not know yet that this is poll 2"):
        stack.restore(tmp_path)
    assert stack.intake == "maintenance"


def test_where_the_poll_comes_back_nothing_may_wait_in_the_queue(stack: Stack, tmp_path: Path) -> None:
    stack.anew, stack.entries = True, 4
    with pytest.raises(DeployError, match="cannot be set aside"):
        stack.restore(tmp_path, choice=REPLAY)
    assert "swap" not in stack.done


def test_what_cannot_be_is_refused_before_anything_changes(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object, name: str, *rest: object) -> None:
        del rest
        if name == "possible":
            raise DeployError("no backup is older than that", "again")

    monkeypatch.setattr(runner, "part", refuse)
    with pytest.raises(DeployError, match="no backup is older") as refused:
        stack.restore(tmp_path)
    assert refused.value.remedy.startswith("Nothing was changed")
    assert (stack.intake, stack.kept, stack.done) == ("open", None, [])


def test_whoever_interrupts_it_reads_how_votes_are_taken_again(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object, on: Site) -> None:
        with log.written(on):
            raise KeyboardInterrupt

    monkeypatch.setattr(log, "_write", lambda *_: None)
    monkeypatch.setattr(operation, "run", interrupt)
    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    with pytest.raises(DeployError, match="Interrupted") as error:
        command._restore(on, wanted, restoration.steps(wanted, on), yes=True)
    assert "maintenance off" in error.value.remedy


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(28, "No space left on device"), "No space left"),
        (APIError("the engine stops"), "the engine stops"),
        (DeployError("The runner does not run.", "Look at it."), "The runner does not run"),
    ],
)
@pytest.mark.parametrize("when", ["begun", "before"])
def test_whatever_fails_says_how_votes_are_taken_again(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, what: str, when: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    monkeypatch.setattr(operation, "run", operation.carry_out)
    monkeypatch.setattr(*((later, "write") if when == "begun" else (kept_in_swarm, "keep")), fail)
    with pytest.raises((DeployError, OSError, APIError), match=what) as found:
        command._restore(on, wanted, restoration.steps(wanted, on), yes=True)
    assert ("maintenance off" in getattr(found.value, "remedy", "")) is (when == "begun")


def test_one_that_cannot_even_go_on_says_how_votes_are_taken_again(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.is_cut_off("check", tmp_path)
    on = stack.site()
    wanted = asked_for(on, tmp_path / "none" / "file")
    with pytest.raises(DeployError, match="cannot write to its folder") as found:
        command._restore(on, wanted, restoration.steps(wanted, on), yes=True)
    assert "maintenance off" in found.value.remedy


def test_one_that_another_command_has_ended_needs_no_such_advice(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.is_cut_off("check", tmp_path)
    on = stack.site()
    wanted = asked_for(on, tmp_path / "file")
    steps = restoration.steps(wanted, on)
    monkeypatch.setattr(operation, "run", operation.carry_out)
    monkeypatch.setattr(command, "confirm", lambda *_, **__: stack.restore(tmp_path))
    with pytest.raises(DeployError, match="has ended meanwhile") as found:
        command._restore(on, wanted, steps, yes=True)
    assert "maintenance off" not in found.value.remedy


def test_how_votes_are_taken_again_is_said_once() -> None:
    assert runner.advised("Look at it.") == f"Look at it. {runner.VOTING}"
    assert runner.advised(runner.AGAIN) == runner.AGAIN


def test_whoever_leaves_a_question_interrupts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*_: object, **__: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", leave)
    with pytest.raises(KeyboardInterrupt):
        command._go_on("Go on?", yes=False)
