"""What pytest is told."""

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from deployment.cli import main as cli
from deployment.operations import suite

NOTHING: dict[str, Any] = {"fast": False, "faults": False, "soak": "", "chosen": []}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, [suite.OWN_SERVERS, ["tests/browser", "tests/swarm"]]),
        ({"fast": True}, [suite.NO_SERVERS]),
        ({"chosen": ["tests/unit/vote"]}, [["tests/unit/vote"]]),
        ({"soak": "60m"}, [["tests/swarm/faults", "--slack", "1", "--soak", "60m"]]),
        ({"faults": True}, [["tests/swarm/faults", "--slack", "1", "--all-faults"]]),
    ],
)
def test_runs(options: dict[str, Any], told: list[list[str]]) -> None:
    assert suite.runs(**NOTHING | options) == told


@pytest.mark.parametrize(
    ("codes", "code"), [([0, 0], 0), ([1, 0], 1), ([0, 2], 2)], ids=["all well", "first fails", "last fails"]
)
def test_nothing_runs_after_a_failure(monkeypatch: pytest.MonkeyPatch, codes: list[int], code: int) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        commands.append(command[3:])
        return SimpleNamespace(returncode=codes[len(commands) - 1])

    monkeypatch.setattr(subprocess, "run", run)
    assert suite.run([["one"], ["other"]]) == code
    assert commands == [["one"], ["other"]][: 1 if codes[0] else 2]


@pytest.mark.parametrize("value", ["60", "m", "1.5h", "-5m", "0m", "60 m", "1d", "al", "60mall"])
def test_a_duration_that_is_none(value: str) -> None:
    done = CliRunner().invoke(cli.app, ["test", f"--soak={value}"])
    assert done.exit_code == 2


@pytest.mark.parametrize("value", ["90s", "all"])
def test_a_soak_is_handed_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[list[str]]] = []

    def run(runs: list[list[str]]) -> int:
        told.append(runs)
        return 0

    monkeypatch.setattr(suite, "run", run)
    assert CliRunner().invoke(cli.app, ["test", "--soak", value]).exit_code == 0
    assert told == [[["tests/swarm/faults", "--slack", "1", "--soak", value]]]


def test_the_lab_gets_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[str]] = []

    def lab(arguments: list[str]) -> int:
        told.append(arguments)
        return 3

    monkeypatch.setattr(suite, "lab", lab)
    for words in (["up", "--nodes", "2"], ["up", "--help"]):
        assert CliRunner().invoke(cli.app, ["lab", *words]).exit_code == 3
        assert told.pop() == words
