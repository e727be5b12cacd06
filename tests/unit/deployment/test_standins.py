"""The Debian base where no registry answers."""

import shutil
from pathlib import Path
from typing import cast

import docker
import pytest

from deployment.engine.images import standins
from deployment.errors import DeployError
from deployment.progress import Progress


def test_packages_are_debian_s_whatever_the_machine_trusts_itself() -> None:
    command = standins.bootstrap(Path("/somewhere"))
    assert f"--keyring={standins.KEYRING}" in command
    assert any(source.endswith("-security trixie-security main") for source in command)


def test_a_distribution_without_the_tool_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(standins, "apt_install", lambda *_: None)
    with pytest.raises(DeployError, match="no mmdebstrap"):
        standins.debian(cast(docker.DockerClient, None), Progress(quiet=True))
