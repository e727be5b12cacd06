"""An option's key is its own: no change of the settings gives a stored vote another meaning by itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from string import ascii_lowercase
from types import SimpleNamespace
from typing import Any

import pytest

from deployment.cli import main as cli
from deployment.configuration.layout import ROOT, SECRET_LABEL
from deployment.engine.records import options as kept_options
from deployment.engine.secrets import credentials
from deployment.errors import DeployError
from deployment.plan.cluster.picture import parse
from deployment.plan.release import options
from deployment.plan.release.options import (
    Change,
    Options,
    UnsettledError,
    changes,
    decide,
    of_environment,
    tally_of,
)

CATS_DOGS = Options({"a": "Cats", "b": "Dogs"}, ("a", "b"))
BIRDS_FIRST = Options({"a": "Cats", "b": "Dogs", "c": "Birds"}, ("c", "a", "b"))
CATS_GONE = Options({"a": "Cats", "b": "Dogs", "c": "Birds"}, ("c", "b"))
VOTES = {"a": 7_543, "b": 7_587}


@pytest.mark.parametrize(
    ("recorded", "wanted", "decided"),
    [
        (None, "Cats,Dogs", CATS_DOGS),
        (CATS_DOGS, "Cats,Dogs", CATS_DOGS),
        (CATS_DOGS, "Dogs,Cats", Options(CATS_DOGS.names, ("b", "a"))),
        (CATS_DOGS, "Birds,Cats,Dogs", BIRDS_FIRST),
        (CATS_DOGS, "cats,DOGS", Options({"a": "cats", "b": "DOGS"}, ("a", "b"))),
        (BIRDS_FIRST, "Dogs,Cats", Options(BIRDS_FIRST.names, ("b", "a"))),
        (CATS_GONE, "Birds,Dogs,Cats", Options(CATS_GONE.names, ("c", "b", "a"))),
        (CATS_GONE, "Fish,Dogs", Options({**CATS_GONE.names, "d": "Fish"}, ("d", "b"))),
    ],
    ids=["first", "same", "moved", "added", "case", "gone without votes", "back", "a key nobody had"],
)
def test_a_known_name_keeps_its_key_and_a_new_one_gets_its_own(
    recorded: Options | None, wanted: str, decided: Options
) -> None:
    assert decide(recorded, wanted.split(","), VOTES) == decided


KITTENS = Options({"a": "Kittens", "b": "Dogs"}, ("a", "b"))
KITTENS_NEW = Options({**CATS_DOGS.names, "c": "Kittens"}, ("c", "b"))
WITHOUT_CATS = Options({**CATS_DOGS.names, "c": "Fish", "d": "Birds"}, ("b", "c", "d"))


@pytest.mark.parametrize(
    ("recorded", "wanted", "answers"),
    [
        (CATS_DOGS, "Kittens,Dogs", {Change.RENAME: KITTENS, Change.REMOVE: KITTENS_NEW}),
        (CATS_DOGS, "Dogs,Kittens", {Change.REMOVE: Options(KITTENS_NEW.names, ("b", "c"))}),
        (CATS_DOGS, "Dogs,Fish,Birds", {Change.REMOVE: WITHOUT_CATS}),
        (Options(CATS_GONE.names, ("a", "b")), "Birds,Dogs", {Change.REMOVE: CATS_GONE}),
    ],
    ids=["in its place", "elsewhere", "more than one change", "for one that was there before"],
)
def test_votes_neither_vanish_nor_change_their_name_without_a_yes(
    recorded: Options, wanted: str, answers: Mapping[Change, Options]
) -> None:
    names = wanted.split(",")
    for agreed in (None, *(set(Change) - set(answers))):
        with pytest.raises(UnsettledError, match=r"Cats \(7,543 votes\)") as refused:
            decide(recorded, names, VOTES, agreed)
        assert refused.value.answers == tuple(answers)
        assert all(f"--change-options {answer}" in refused.value.remedy for answer in answers)
    for answer, decided in answers.items():
        assert decide(recorded, names, VOTES, answer) == decided


def test_an_answer_that_nobody_asked_for_changes_nothing() -> None:
    for agreed in Change:
        assert decide(CATS_DOGS, ["Birds", "Cats", "Dogs"], VOTES, agreed) == BIRDS_FIRST


def test_where_nobody_can_count_nothing_is_taken_away() -> None:
    with pytest.raises(DeployError, match="Cats would no longer be among the options") as refused:
        decide(CATS_DOGS, ["Fish", "Birds", "Dogs"], None, Change.REMOVE)
    assert "as they are (Cats, Dogs)" in refused.value.remedy
    assert decide(CATS_DOGS, ["Birds", "Cats", "Dogs"], None) == BIRDS_FIRST


@pytest.mark.parametrize(
    ("recorded", "remedy"),
    [
        (Options(dict.fromkeys(ascii_lowercase, "x"), ("a", "b")), "down --volumes"),
        (
            Options({key: f"{key}{key}" for key in "abcdefghij"}, tuple("abcdefghij"), options.FORMER_KEYS),
            "Run `up` with the options as they are",
        ),
    ],
    ids=["26 names", "workers that know ten"],
)
def test_a_key_is_never_used_twice(recorded: Options, remedy: str) -> None:
    with pytest.raises(DeployError) as refused:
        decide(recorded, [recorded.names["a"], "Fish"], {})
    assert remedy in refused.value.remedy


def test_a_vote_that_is_still_queued_may_be_for_any_option() -> None:
    wanted = ["Cats", "Fish"]
    assert decide(CATS_DOGS, wanted, {"a": 5}).names["c"] == "Fish"
    with pytest.raises(UnsettledError, match=r"queue.*Dogs \(0 votes\)"):
        decide(CATS_DOGS, wanted, {"a": 5}, queued=True)
    assert decide(CATS_DOGS, wanted, {"a": 5}, Change.REMOVE, queued=True).names["c"] == "Fish"
    assert decide(CATS_DOGS, ["Birds", "Cats", "Dogs"], VOTES, queued=True) == BIRDS_FIRST


@pytest.mark.parametrize(
    ("recorded", "decided", "lines"),
    [
        (None, CATS_DOGS, []),
        (CATS_DOGS, CATS_DOGS, []),
        (CATS_DOGS, Options(CATS_DOGS.names, ("b", "a")), []),
        (CATS_DOGS, BIRDS_FIRST, ["offer Birds (0 votes)"]),
        (CATS_DOGS, KITTENS, ["call Kittens what was Cats (7,543 votes)"]),
        (CATS_DOGS, KITTENS_NEW, ["no longer offer Cats (7,543 votes)", "offer Kittens (0 votes)"]),
        (CATS_GONE, Options(CATS_GONE.names, ("a", "b", "c")), ["offer Cats (7,543 votes)"]),
    ],
)
def test_changes_are_told(recorded: Options | None, decided: Options, lines: Sequence[str]) -> None:
    assert list(changes(recorded, decided, VOTES)) == lines


@pytest.mark.parametrize(
    ("votes", "tally"),
    [
        ({"stored": None, "tally": None}, None),
        ({"stored": 5, "tally": {"a": 5}}, {"a": 5}),
        ({"stored": 5}, None),
        ({"stored": 0}, {}),
    ],
    ids=["unknown", "known", "an older observer", "an older one of an empty poll"],
)
def test_the_tally_of_a_picture(votes: dict[str, Any], tally: dict[str, int] | None) -> None:
    answer = json.dumps({"at": 1.0, "votes": votes}).encode()
    assert tally_of(parse(b"1\n" + answer).votes) == tally


@pytest.mark.parametrize(
    ("environment", "found", "letters"),
    [
        ({"OPTION_A": "Cats", "OPTION_B": "Dogs", "VOTE_OPTIONS": ""}, CATS_DOGS, "abcdefghij"),
        ({"OPTION_A": "x", "VOTE_OPTIONS": "Cats, Dogs"}, CATS_DOGS, "abcdefghij"),
        (
            {"VOTE_OPTIONS": "Birds,Cats,Dogs", "VOTE_OPTION_KEYS": "c,a,b"},
            Options({"c": "Birds", "a": "Cats", "b": "Dogs"}, ("c", "a", "b")),
            ascii_lowercase,
        ),
    ],
)
def test_a_service_that_runs_tells_its_options_and_what_its_workers_know(
    environment: dict[str, str], found: Options, letters: str
) -> None:
    told = of_environment(environment)
    assert (told, told.letters) == (found, letters)


@pytest.mark.parametrize(
    ("terminal", "dry_run", "answer", "asked", "tried"),
    [
        (False, False, "", False, [None]),
        (True, True, "", False, [None]),
        (True, False, "stop", True, [None]),
        (True, False, "yes", True, [None]),
        (True, False, "rename", True, [None, Change.RENAME]),
    ],
    ids=["no terminal", "a dry run", "stop", "no answer", "an answer"],
)
def test_only_an_answer_of_its_own_changes_what_has_votes(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    dry_run: bool,
    answer: str,
    asked: bool,
    tried: list[Change | None],
) -> None:
    questions, attempts = list[str](), list[Change | None]()

    def prompt(question: str, **_: object) -> str:
        questions.append(question)
        return answer

    def site(*_: object, change_options: Change | None, **__: object) -> None:
        attempts.append(change_options)
        decide(CATS_DOGS, ["Kittens", "Dogs"], VOTES, change_options)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: terminal))
    monkeypatch.setattr("typer.prompt", prompt)
    monkeypatch.setattr("deployment.operations.up.site", site)
    monkeypatch.setattr("deployment.operations.up.up", lambda _: None)
    with pytest.raises(DeployError) if tried == [None] else nullcontext():
        cli.up(yes=True, dry_run=dry_run)
    assert (bool(questions), attempts) == (asked, tried)


@dataclass
class Config:
    """A config as docker-py shows it, in a Swarm of the test's own."""

    swarm: Swarm
    name: str
    labels: Mapping[str, str]
    data: bytes

    @property
    def attrs(self) -> dict[str, Any]:
        spec = {"Labels": dict(self.labels), "Data": base64.b64encode(self.data).decode()}
        return {"CreatedAt": "2026-01-01", "Spec": spec}

    def remove(self) -> None:
        self.swarm.kept.remove(self)


@dataclass
class Swarm:
    """As much of a Docker client as the record needs."""

    kept: list[Config] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    secrets: Any = field(default_factory=lambda: SimpleNamespace(list=list))

    @property
    def configs(self) -> Any:
        return SimpleNamespace(list=self._list, create=self._create)

    @property
    def api(self) -> Any:
        return SimpleNamespace(services=list)

    def info(self) -> dict[str, Any]:
        return {"Swarm": {"ControlAvailable": True}}

    @property
    def services(self) -> Any:
        spec = {"TaskTemplate": {"ContainerSpec": {"Env": self.environment}}}
        found = [SimpleNamespace(attrs={"Spec": spec})] if self.environment else []
        return SimpleNamespace(list=lambda filters: found)

    def _list(self, filters: Mapping[str, str] | None = None) -> list[Config]:
        return [config for config in self.kept if not filters or filters["label"] in config.labels]

    def _create(self, **parts: Any) -> None:
        assert parts["name"] not in [config.name for config in self.kept]
        self.kept.append(Config(self, **parts))


@pytest.fixture
def swarm() -> Any:
    return Swarm()


def test_the_record_is_kept_with_the_stack(swarm: Any) -> None:
    for deployed in (CATS_DOGS, BIRDS_FIRST, BIRDS_FIRST, CATS_DOGS):
        kept_options.record(swarm, deployed)
        assert kept_options.recorded(swarm) == deployed
        assert len(swarm.kept) == 1
    swarm.kept.append(Config(swarm, "vote-app_local_ca", {SECRET_LABEL: "local_ca"}, b""))
    credentials.remove(credentials.unused(swarm, keys=()))
    assert kept_options.recorded(swarm) == CATS_DOGS
    kept_options.forget(swarm)
    assert not swarm.kept


def test_what_was_left_of_an_older_record_does_not_count(swarm: Any) -> None:
    kept_options.record(swarm, CATS_DOGS)
    (older,) = swarm.kept
    kept_options.record(swarm, BIRDS_FIRST)
    swarm.kept.append(older)
    assert kept_options.recorded(swarm) == BIRDS_FIRST
    kept_options.record(swarm, CATS_DOGS)
    assert kept_options.recorded(swarm) == CATS_DOGS


def test_a_stack_without_a_record_is_asked_what_it_offers(swarm: Any) -> None:
    assert kept_options.recorded(swarm) is None
    swarm.environment = ["PATH=/bin", "OPTION_A=Cats", "OPTION_B=Dogs", "VOTE_OPTIONS="]
    assert kept_options.recorded(swarm) == CATS_DOGS
    kept_options.record(swarm, CATS_DOGS)
    assert len(swarm.kept) == 1


def test_both_services_read_the_options_alike() -> None:
    vote, result = ((ROOT / name / name / "options.py").read_bytes() for name in ("vote", "result"))
    assert vote == result
