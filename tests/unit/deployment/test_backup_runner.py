"""How the runner of the backups is asked, and what is said where there is none here."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient

from deployment.engine import backup
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import backup as verb
from deployment.operations import down
from deployment.operations.runner.site import Site
from deployment.progress import Progress

Piece = tuple[bytes | None, bytes | None]


class Engine:
    """An engine with a runner's container, unless it is elsewhere, in which a command prints these pieces."""

    def __init__(self, *pieces: Piece, code: int = 0, here: bool = True) -> None:
        self.api = self
        self._pieces, self._code, self._here = pieces, code, here

    def containers(self, filters: dict[str, str]) -> list[dict[str, str]]:
        assert filters["status"] == "running"
        return [{"Id": "c"}] if self._here else []

    def exec_create(self, container: str, command: list[str]) -> dict[str, str]:
        assert (container, command[:2]) == ("c", ["postgres-ha", "backup"])
        return {"Id": "e"}

    def exec_start(self, _execution: str, *, stream: bool, demux: bool) -> Iterator[Piece]:
        assert stream
        assert demux
        yield from self._pieces

    def exec_inspect(self, _execution: str) -> dict[str, int]:
        return {"ExitCode": self._code}


def client(engine: Engine) -> DockerClient:
    return cast(DockerClient, engine)


def test_steps_are_told_as_they_come_however_they_are_cut() -> None:
    engine = Engine((b'{"running": tr', None), (b'ue}\n{"label"', None), (b': "L"}\n', None))
    assert list(backup.make(client(engine), "diff")) == [{"running": True}, {"label": "L"}]


@pytest.mark.parametrize(("complaint", "reason"), [(b"ERROR: no room\n", "no room"), (None, "its container")])
def test_a_backup_that_fails_says_why_and_that_all_is_as_it_was(complaint: bytes | None, reason: str) -> None:
    engine = Engine((None, complaint), code=1)
    with pytest.raises(DeployError, match=f"{reason}.*is as it was"):
        list(backup.make(client(engine), "diff"))


@pytest.mark.parametrize(
    ("names", "on", "word"),
    [
        ((), (), "has no store"),
        (("backup",), ("n2",), "on another node: node-2"),
        (("backup",), (), "does not run"),
    ],
)
def test_where_there_is_no_runner_it_is_said_why(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], on: tuple[str, ...], word: str
) -> None:
    states = [SimpleNamespace(name=name) for name in names]
    monkeypatch.setattr(services, "states", lambda _client: states)
    monkeypatch.setattr(services, "running_on", lambda _client, _name: on)
    monkeypatch.setattr(nodes, "observe", lambda _client: [SimpleNamespace(id="n2", name="node-2")])
    with pytest.raises(DeployError, match=word):
        backup.container(client(Engine(here=False)))


def site(monkeypatch: pytest.MonkeyPatch, *listed: dict[str, Any]) -> Site:
    """Return a place with a runner that makes backup L, of which these are in the store."""
    monkeypatch.setattr(backup, "container", lambda _client: "c")
    monkeypatch.setattr(backup, "make", lambda _client, _kind: iter([{"running": True}, {"label": "L"}]))
    monkeypatch.setattr(backup, "listing", lambda _client: {"backups": list(listed)})
    found = SimpleNamespace(
        engine=None, progress=Progress(quiet=True), verb="backup", managed=False, look_again=lambda: None
    )
    return cast(Site, found)


def test_a_backup_of_hours_keeps_no_other_verb_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes neither the lock nor the turn of the Swarm: without an engine it could not."""
    assert verb.make(verb.Backup("full"), site(monkeypatch, {"label": "L"})) == {"label": "L"}


def test_a_backup_that_is_gone_again_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError, match="Backup L was made, and is not in the store"):
        verb.make(verb.Backup("full"), site(monkeypatch, {"label": "K"}))


@pytest.mark.parametrize(("secrets", "named"), [({"backup_key": "k"}, True), ({}, False)])
def test_who_deletes_all_is_told_that_the_key_of_the_backups_goes(
    secrets: dict[str, str], named: bool
) -> None:
    found = cast(Site, SimpleNamespace(managed=True, secrets=secrets))
    assert ("no backup can be read" in down.question(found)) == named
