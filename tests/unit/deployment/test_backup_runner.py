"""How the runner of the backups is asked, and what is said where there is none here."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient
from docker.errors import APIError, DockerException
from typer.testing import CliRunner
from urllib3.exceptions import HTTPError

from deployment.cli import restore as restore_cli
from deployment.engine import backup
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import down
from deployment.operations.backup import backup as verb
from deployment.operations.restore import drill
from deployment.operations.runner.site import Site
from deployment.progress import Progress

Piece = tuple[bytes | None, bytes | None]


class Engine:
    """An engine with a runner's container, unless it is elsewhere, in which a command prints these pieces."""

    def __init__(self, *pieces: Piece, code: int | None = 0, here: bool = True) -> None:
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

    def exec_inspect(self, _execution: str) -> dict[str, int | None]:
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


ELSEWHERE: dict[str, Callable[[DockerClient], object]] = {
    "list": backup.listing,
    "now --type full": lambda engine: list(backup.make(engine, "full")),
    "now --type diff": lambda engine: verb.Backup("diff").missing(cast(Site, SimpleNamespace(engine=engine))),
    "drill --backup L": lambda engine: drill.drill(lambda: engine, Progress(quiet=True), "L", None),
}


@pytest.mark.parametrize("program", ELSEWHERE)
def test_where_the_runner_is_elsewhere_the_command_for_its_container_is_named(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(services, "states", lambda _client: [SimpleNamespace(name="backup")])
    monkeypatch.setattr(services, "running_on", lambda _client, _name: ("n2",))
    monkeypatch.setattr(nodes, "observe", lambda _client: [SimpleNamespace(id="n2", name="node-2")])
    with pytest.raises(DeployError) as refused:
        ELSEWHERE[program](client(Engine(here=False)))
    assert refused.value.remedy.endswith(f"postgres-ha backup {program}")


REPORT = {
    "outcome": "good", "began": 0.0, "seconds": 9.2, "why": "", "backup": "L", "moment": 1.0,
    "age_seconds": 41.0, "rows": 2, "votes": {"a": 2}, "fingerprint": "-315",
}  # fmt: skip


def printing(report: object, code: int | None) -> dict[str, Any]:
    found = Engine((json.dumps(report).encode(), None), code=code)
    return drill.drill(lambda: client(found), Progress(quiet=True), "", None)


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


ERRORS: dict[str, Exception] = {
    "a worker": DeployError("a worker", "elsewhere"),
    "no leader": APIError("500", explanation="The swarm does not have a leader"),
    "refused": APIError("500", explanation="container is paused"),
    "the engine is away": DockerException("connection refused"),
    "the line is cut": HTTPError("broken"),
    "a silent engine": TimeoutError("timed out"),
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("place", ["connect", "containers", "exec_create", "exec_start", "exec_inspect"])
def test_a_drill_that_could_not_run_says_so_by_its_exit_code(place: str, error: str) -> None:
    """1 would mean that the backup is bad."""
    engine, fail = Engine(), failing(ERRORS[error])
    setattr(engine, place, fail)
    connect = fail if place == "connect" else lambda: client(engine)
    with pytest.raises(DeployError) as refused:
        drill.drill(connect, Progress(quiet=True), "", None)
    assert refused.value.code == 4


@pytest.mark.parametrize("more", [["--dry-run"], ["--export", "file"], ["--queue", "replay"]])
def test_a_drill_refuses_what_is_for_a_restore(more: list[str]) -> None:
    told = CliRunner().invoke(restore_cli.app, ["--drill", *more])
    assert told.exit_code == 2
    assert "are for" in told.output


def test_a_drill_on_a_machine_without_a_swarm_could_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployment.cli.restore.manager", failing(DeployError("no Swarm", "Run `up` first.")))
    done = CliRunner().invoke(restore_cli.app, ["--drill"])
    assert isinstance(done.exception, DeployError)
    assert done.exception.code == 4


@pytest.mark.parametrize(
    ("report", "code"),
    [
        pytest.param(REPORT, None, id="its container died"),
        pytest.param(REPORT, 137, id="it was killed"),
        pytest.param("no report", 0, id="another program"),
        pytest.param({"outcome": "good"}, 0, id="a report of another release"),
        pytest.param({"outcome": "bad"}, 1, id="a bad one of another release"),
    ],
)
def test_a_drill_without_a_whole_report_is_none(report: object, code: int | None) -> None:
    with pytest.raises(DeployError) as refused:
        printing(report, code)
    assert refused.value.code == 4


@pytest.mark.parametrize(("outcome", "code"), [("good", 0), ("bad", 1), ("not run", 4)])
def test_a_drill_that_ran_is_reported(outcome: str, code: int) -> None:
    assert printing(REPORT | {"outcome": outcome}, code)["outcome"] == outcome


def site(monkeypatch: pytest.MonkeyPatch, *listed: dict[str, Any]) -> Site:
    """Return a place with a runner that makes backup L, of which these are in the store."""
    monkeypatch.setattr(backup, "container", lambda _client, *_verb: "c")
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


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("stored", [True, False])
def test_who_deletes_all_is_told_what_of_the_backups_goes(keyed: bool, stored: bool) -> None:
    """After a lost Swarm the key is in the recovery kit alone, and the backups are here."""
    there = [SimpleNamespace(name="vote-app_backup")] if stored else []
    engine = SimpleNamespace(volumes=SimpleNamespace(list=lambda **_: there))
    secrets = {"backup_key": "k"} if keyed else {}
    asked = down.question(cast(Site, SimpleNamespace(managed=True, secrets=secrets, engine=engine)))
    assert ("no backup can be read" in asked) == keyed
    assert ("all backups that are on this machine" in asked) == stored
