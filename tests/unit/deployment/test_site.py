"""Who runs a command, from which source, and what other programs say to it, wherever that is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.engine.machine import engine
from deployment.errors import DeployError
from deployment.operations.release import source
from deployment.operations.runner import site
from deployment.progress import Progress


@pytest.fixture(autouse=True)
def _on_node_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "node-1")
    for name in ("SUDO_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"USER": "ann"}, "ann"),
        ({"USER": "root", "LOGNAME": "root", "SUDO_USER": "ann"}, "ann"),
    ],
    ids=["by their own name", "with sudo"],
)
def test_whoever_runs_it_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert site.me() == f"{name}@node-1"


def test_in_a_container_somebody_may_have_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 54321)
    assert site.me() == "54321@node-1"


def test_the_source_is_named_whoever_has_cloned_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() or shutil.which("git") is None:
        pytest.skip("only root can give a file to somebody else, and git is needed")
    commit = ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one")
    for command in (("init", "-q"), commit):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    for folder in (tmp_path, *tmp_path.rglob("*")):
        os.chown(folder, 54321, 54321)
    monkeypatch.setattr(source, "ROOT", tmp_path)
    source.revision.cache_clear()
    try:
        assert len(source.revision()) == 12
    finally:
        source.revision.cache_clear()


def test_a_program_may_speak_in_another_encoding() -> None:
    said = [sys.executable, "-c", r"import os; os.write(1, b'Abh\xe4ngigkeit\n'); exit(7)"]
    with Progress(quiet=True).task("x") as task, pytest.raises(DeployError, match="exit 7") as raised:
        engine.run_shown(task, said)
    assert raised.value.evidence == ["Abh\N{REPLACEMENT CHARACTER}ngigkeit"]
