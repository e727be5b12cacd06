"""What is missing for a poll to come a step further, and what is refused."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from deployment.cli import poll as cli_poll
from deployment.cli import report
from deployment.cli.options import confirm_by_name
from deployment.configuration.settings import Settings
from deployment.engine import poll as engine_poll
from deployment.errors import DeployError
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.operations.votes import poll as verb
from deployment.operations.votes.poll import Archived, Begun, Closed, Final, Opened
from deployment.plan.cluster.picture import Picture, Poll, Queue
from deployment.plan.release.options import Options
from deployment.progress import Progress


class Engine:
    """An engine of a stack that lacks something."""

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = missing


@pytest.fixture(autouse=True)
def _strength(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployment.engine.swarm.services.states", lambda engine: engine.missing)
    monkeypatch.setattr("deployment.plan.cluster.strength.missing", lambda _nodes, states, *_: states)
    monkeypatch.setattr(verb, "ANSWER_SECONDS", 0)
    monkeypatch.setattr(verb, "POLL_SECONDS", 0)


def site(
    poll: Poll | None, pending: int = 0, dead: int = 0, missing: Sequence[str] = (), **seen: Any
) -> Site:
    on = Site(Settings(), Progress(quiet=True), cast(Any, Engine(missing)), lambda _: None)
    vars(on).update(
        picture=Picture(at=1.0, queue=Queue(pending=pending, dead=dead), poll=poll), nodes=(), **seen
    )
    return on


def poll(state: str, number: int = 2, *, told: bool = True) -> Poll:
    return Poll(number, state, told=told, over=state != "open" if told else False)


@pytest.mark.parametrize(
    ("step", "there", "missing"),
    [
        (Closed(2), poll("open"), True),
        (Closed(2), poll("closed", told=False), True),  # the queue, which decides, does not know it yet
        (Closed(2), poll("closed"), False),
        (
            Closed(2),
            Poll(2, "open", told=True, over=True),
            True,
        ),  # by its clock: the database does not say so yet
        (Closed(2), poll("archived"), False),
        (Closed(2), poll("open", 3), False),
        (Final(2), poll("open"), True),
        (Final(2), poll("closed"), True),
        (Final(2), poll("final"), False),
        (Final(2), poll("open", 3), False),
        (Archived(2), poll("open"), True),
        (Archived(2), poll("final"), True),
        (Archived(2), poll("archived"), False),
        (Archived(2), poll("open", 3), False),
        (Begun(2), poll("archived"), True),
        (Begun(2), poll("open", 3, told=False), True),
        (Begun(2), poll("open", 3), False),
        (Opened(2), poll("open"), False),
        (Opened(2), Poll(2, "open", told=True, over=True), True),  # its time is over
        (Opened(2), poll("closed"), True),
        (Opened(2), poll("final"), True),
    ],
)
def test_what_is_missing(step: Step, there: Poll, missing: bool) -> None:
    assert bool(step.missing(site(there))) == missing


@pytest.mark.parametrize(
    ("step", "on", "what"),
    [
        (Closed(2), site(None), "which poll there is"),
        (Closed(3), site(poll("open")), "no poll 3 yet"),
        (Opened(2), site(poll("archived")), "kept for good"),
        (Opened(2), site(poll("open", 3)), "kept for good"),
        (Archived(2), site(poll("final"), dead=3), "3 votes could not be stored"),
        (Archived(2), site(poll("final"), missing=["node-2 down"]), "full strength: node-2 down"),
    ],
)
def test_what_is_refused(step: Step, on: Site, what: str) -> None:
    with pytest.raises(DeployError, match=what):
        step.missing(on)


def test_a_database_that_fails_over_meanwhile_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before is done by then: to end there would leave an operator with a poll half closed."""
    monkeypatch.setattr(verb, "ANSWER_SECONDS", 60)
    pictures = iter([site(None).picture, site(None).picture, site(poll("open", 3)).picture])
    on = site(None)
    monkeypatch.setattr(Site, "look_again", lambda _: vars(on).update(picture=next(pictures)))
    assert Begun(2).missing(on) == []


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("close", [Closed, Final]),
        ("open", [Opened]),
        ("archive", [Closed, Final, Archived]),
        ("reset", [Closed, Final, Archived, Begun]),
    ],
)
def test_a_verb_is_a_list_of_steps(name: str, kinds: list[type]) -> None:
    steps = verb.steps(name, site(poll("final")), None)
    assert [type(step) for step in steps] == kinds
    assert {cast(Any, step).number for step in steps} == {2}


def test_an_open_poll_is_not_archived() -> None:
    with pytest.raises(DeployError, match="is open"):
        verb.steps("archive", site(poll("open")), None)
    assert verb.steps("archive", site(poll("open", 3)), 2)


def test_waiting_for_the_last_votes_ends_where_somebody_opens_the_poll(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on = site(poll("closed"))
    monkeypatch.setattr(verb, "POLL_SECONDS", 0)
    monkeypatch.setattr(on, "look_again", lambda: vars(on).update(picture=Picture(poll=poll("open"))))
    with pytest.raises(DeployError, match="opened again"):
        Final(2).do(on)


def test_waiting_for_the_last_votes_ends_where_some_could_not_be_stored() -> None:
    with pytest.raises(DeployError, match="3 votes could not be stored"):
        Final(2).do(site(poll("closed"), dead=3))


@pytest.mark.parametrize("given", ["", "vote", "yes"])
def test_a_reset_needs_the_name_of_the_stack(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "something else")
    with pytest.raises(DeployError, match="Stopped before anything was changed"):
        confirm_by_name("Delete?", "vote-app", given)
    confirm_by_name("Delete?", "vote-app", "vote-app")


def test_a_reset_that_is_confirmed_beforehand_names_its_poll() -> None:
    """Run again after an interruption, it would end the next poll."""
    done = CliRunner().invoke(cli_poll.app, ["reset", "--confirm", "vote-app"])
    assert done.exit_code == 2


def test_a_reset_that_is_interrupted_is_gone_on_with_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next poll is the present one by then."""
    on = site(poll("final"))
    asked: list[str] = []
    monkeypatch.setattr(cli_poll, "_site", lambda *_: on)
    monkeypatch.setattr(cli_poll, "confirm_by_name", lambda *_: None)
    monkeypatch.setattr(operation, "run", lambda _, at: asked.append(at.again))
    monkeypatch.setattr(report, "intake", lambda _: None)
    CliRunner().invoke(cli_poll.app, ["reset"])
    assert asked == ["Run `python3 deploy.py poll reset --poll 2`: it goes on from here."]


def test_waiting_for_the_last_votes_ends_after_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    on = site(poll("closed"), pending=5)
    monkeypatch.setattr(verb, "POLL_SECONDS", 0)
    monkeypatch.setattr(verb, "FINAL_SECONDS", -1)
    with pytest.raises(DeployError, match="5 entries wait"):
        Final(2).do(on)


def test_the_archive_names_options_on_offer_first(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(engine_poll, "change", lambda *given: told.append(given))
    options = Options({"a": "Cats", "b": "Dogs", "c": "Birds"}, ("c", "a"))
    on = site(poll("final"), options=options, deployments=())
    Archived(2).do(on)
    asked: Mapping[str, Any] = {
        "title": "", "question": "", "options": {"c": "Birds", "a": "Cats", "b": "Dogs"}
    }  # fmt: skip
    assert told == [(on.client, "archive", 2, asked)]
    assert list(told[0][3]["options"]) == ["c", "a", "b"]


@pytest.mark.parametrize("error", [DeployError("It is not certain.", "Run it again."), OSError(9)])
def test_a_reset_that_fails_says_which_poll_is_meant_by_the_same_command(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    on = site(poll("final"))

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(cli_poll, "_site", lambda *_: on)
    monkeypatch.setattr(operation, "run", fails)
    with pytest.raises(DeployError) as refused:
        cli_poll._run("reset", 2, True, False, False)
    assert refused.value.remedy.endswith("The same command is `python3 deploy.py poll reset --poll 2`.")
