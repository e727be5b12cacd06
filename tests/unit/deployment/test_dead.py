"""What an observer answers, and fails to answer, about the dead letters."""

from collections.abc import Iterator
from typing import Any

import pytest

from deployment.configuration.settings import Settings
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.operations.votes import dead
from deployment.progress import Progress

Piece = tuple[bytes | None, bytes | None]


class Engine:
    """An engine with one observer, whose program prints what it was told to."""

    def __init__(self, *pieces: Piece, code: int = 0, observers: int = 1) -> None:
        self.pieces, self.code, self.observers = pieces, code, observers
        self.command: list[str] = []
        self.api = self

    def containers(self, filters: dict[str, str]) -> list[dict[str, str]]:
        assert filters["label"].endswith("vote-app_observer")
        return [{"Id": "c"}] * self.observers

    def exec_create(self, container: str, command: list[str]) -> dict[str, str]:
        self.command = command
        return {"Id": "e"}

    def exec_start(self, identity: str, *, stream: bool, demux: bool) -> Iterator[Piece]:
        return iter(self.pieces)

    def exec_inspect(self, identity: str) -> dict[str, int]:
        return {"ExitCode": self.code}


def site(client: Any) -> Site:
    return Site(Settings(), Progress(quiet=True), client, lambda _: None, verb="dead")


def engine(*pieces: Piece, **more: Any) -> Any:
    return Engine(*pieces, **more)


def test_an_answer_may_come_in_pieces_and_beside_warnings() -> None:
    client = engine((b'{"stored": 1,', None), (None, b"a warning"), (b' "left": 2}\n', None))
    step = dead.Replay()
    step.do(site(client))
    assert (step.stored, step.left) == (1, 2)
    assert client.command == ["python", "-m", "worker.dead", "replay"]
    assert step.missing(site(client)) == []


def test_a_replay_says_how_many_letters_there_are_to_read() -> None:
    assert dead.Replay().missing(site(engine((b'{"count": 2}', None)))) == ["read 2 dead letters once more"]
    assert dead.Replay().missing(site(engine((b'{"count": 0}', None)))) == []


def test_purge_deletes_what_was_listed() -> None:
    client = engine((b'{"count": 3, "until": "2026-11-28T00:00:00+00:00", "seal": "-5"}', None))
    step = dead.Purge()
    assert step.missing(site(client)) == ["delete 3 dead letters for good"]
    client.pieces = ((b'{"deleted": 3}', None),)
    step.do(site(client))
    assert (step.deleted, step.missing(site(client))) == (3, [])
    assert client.command[-3:] == ["--until", "2026-11-28T00:00:00+00:00", "--seal=-5"]


@pytest.mark.parametrize(
    ("client", "what"),
    [
        (engine(observers=0), "No observer runs on this node"),
        (engine((None, b"trace\nthe database did not answer: timeout\n"), code=1), "did not answer: timeout"),
        (engine((None, b"No module named worker.dead"), code=1), "No module named worker.dead"),
        (engine(code=137), "no answer"),
    ],
    ids=["nobody to ask", "database away", "an older release", "killed"],
)
def test_a_failure_says_why(client: Any, what: str) -> None:
    with pytest.raises(DeployError, match=what):
        dead.listing(client, 20)


def test_a_letter_is_a_line() -> None:
    letter = {"at": "2026-11-28", "entry": "1-0", "reason": "id is missing", "bytes": 7, "begins": "x y"}
    assert dead.line(letter) == "2026-11-28  1-0  id is missing  (7 bytes) x y"
