"""What pytest is told."""

from typing import Any

import pytest
from typer.testing import CliRunner

from deployment.cli import main as cli
from deployment.operations import suite

NOTHING: dict[str, Any] = {"fast": False, "faults": False, "soak": "", "chosen": []}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, ["tests/unit", "tests/browser", "tests/integration", "tests/swarm"]),
        ({"fast": True}, ["tests/unit"]),
        ({"chosen": ["tests/unit/vote"]}, ["tests/unit/vote"]),
        ({"soak": "60m"}, ["tests/swarm/faults", "--slack", "1", "--soak", "60m"]),
        ({"faults": True}, ["tests/swarm/faults", "--slack", "1", "--all-faults"]),
    ],
)
def test_arguments(options: dict[str, Any], told: list[str]) -> None:
    assert suite.arguments(**NOTHING | options) == told


@pytest.mark.parametrize("value", ["60", "m", "1.5h", "-5m", "0m", "60 m", "1d", "al", "60mall"])
def test_a_duration_that_is_none(value: str) -> None:
    done = CliRunner().invoke(cli.app, ["test", f"--soak={value}"])
    assert done.exit_code == 2


@pytest.mark.parametrize("value", ["90s", "all"])
def test_a_soak_is_handed_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[str]] = []

    def run(arguments: list[str]) -> int:
        told.append(arguments)
        return 0

    monkeypatch.setattr(suite, "run", run)
    assert CliRunner().invoke(cli.app, ["test", "--soak", value]).exit_code == 0
    assert told == [["tests/swarm/faults", "--slack", "1", "--soak", value]]


def test_the_lab_gets_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[list[str]] = []

    def lab(arguments: list[str]) -> int:
        told.append(arguments)
        return 3

    monkeypatch.setattr(suite, "lab", lab)
    done = CliRunner().invoke(cli.app, ["lab", "up", "--nodes", "2"])
    assert (told, done.exit_code) == ([["up", "--nodes", "2"]], 3)
