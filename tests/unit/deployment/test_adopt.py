"""`backup adopt`: what it asks, what it does, and when it refuses."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from deployment.cli import adopt as cli
from deployment.engine import backup as runner
from deployment.engine.records import restoration
from deployment.errors import DeployError
from deployment.operations.backup import backup
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.plan.cluster import adoption
from deployment.plan.restoration import Restoration
from deployment.progress import Progress

FOUND = {
    "store": "71", "database": "72", "foreign": True, "backups": 3, "last": "2026-11-29T03:04:00+00:00",
    "voted": True, "stored": False,
}  # fmt: skip
GIVEN = FOUND | {"store": "72", "foreign": False}
BEGUN = Restoration("restore_1", "latest", "ann", "2026-11-29T12:00:00")
MADE = {"label": "L", "type": "full", "stored": 2048}


class Stack:
    """A stack with a runner, and what it was asked to do."""

    def __init__(self, found: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.found, self.done = found, list[str]()
        self.site = cast(
            Site,
            SimpleNamespace(
                engine=self, progress=Progress(quiet=True), verb="backup adopt", managed=False,
                look_again=lambda: None, turn=lambda: None,
            ),
        )  # fmt: skip
        monkeypatch.setattr(runner, "adoption", lambda _client: self.found)
        monkeypatch.setattr(runner, "adopt", self._adopt)
        monkeypatch.setattr(runner, "container", lambda _client, *_verb: "c")
        monkeypatch.setattr(restoration, "read", lambda _client: None)
        monkeypatch.setattr(operation, "run", operation.carry_out)
        monkeypatch.setattr(backup, "make", self._make)

    def _adopt(self, _client: object) -> None:
        self.done.append("adopt")
        self.found = self.found | GIVEN

    def _make(self, step: backup.Backup, site: Site) -> dict[str, Any]:
        assert step.missing(site) == ["make the first backup of this database, a full one"]
        self.done.append("backup")
        return MADE


def run(stack: Stack, *, dry_run: bool = False) -> None:
    cli.run(stack.site, yes=True, dry_run=dry_run, as_json=False)


@pytest.mark.parametrize(
    ("found", "done"),
    [
        pytest.param(FOUND, ["adopt", "backup"], id="after a loss"),
        pytest.param(GIVEN, ["backup"], id="interrupted before the backup"),
        pytest.param(GIVEN | {"stored": True}, [], id="nothing to do"),
    ],
)
def test_what_is_left_is_done(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: dict[str, Any],
    done: list[str],
) -> None:
    stack = Stack(found, monkeypatch)
    run(stack)
    assert stack.done == done
    assert ("nothing to do" in capsys.readouterr().out) == (not done)


def test_a_dry_run_changes_nothing_and_names_both_databases(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack(FOUND, monkeypatch)
    run(stack, dry_run=True)
    assert stack.done == []
    said = capsys.readouterr().out
    assert "give the store of database 71 to this one, 72" in said
    assert "make the first backup of this database" in said


@pytest.mark.parametrize("dry_run", [True, False])
def test_while_votes_are_being_brought_back_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    stack = Stack(FOUND, monkeypatch)
    monkeypatch.setattr(restoration, "read", lambda _client: BEGUN)
    with pytest.raises(DeployError, match="has not ended") as refused:
        run(stack, dry_run=dry_run)
    assert "Nothing was changed" in refused.value.remedy
    assert stack.done == []


def test_who_says_no_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(FOUND, monkeypatch)
    monkeypatch.setattr("deployment.cli.options.typer.confirm", lambda *_, **__: False)
    with pytest.raises(DeployError, match="before anything was changed"):
        cli.run(stack.site, yes=False, dry_run=False, as_json=False)
    assert stack.done == []


@pytest.mark.parametrize(
    ("more", "empty"), [({}, False), ({"voted": False}, True), ({"voted": False, "backups": 0}, False)]
)
def test_the_question_warns_who_may_want_to_restore_first(more: dict[str, Any], *, empty: bool) -> None:
    asked = adoption.question(FOUND | more)
    assert "gone for good" in asked
    assert ("restore --to latest" in asked) == empty
    assert "the last of 2026-11-29 03:04 UTC" in asked
    assert "." in adoption.question(FOUND | {"last": None})
