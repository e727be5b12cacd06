from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from result import watching
from result.watching import Count, Watching, ask_peers, parse, total


@pytest.mark.parametrize(
    ("own", "others", "number"),
    [
        (Count("x", 0), [], 0),
        (Count("x", 3), [Count("y", 4), Count("z", 5)], 12),
        (Count("x", 3), [Count("x", 2), Count("y", 4)], 7),
        (Count("x", 3), [Count("y", 4), Count("y", 4)], 7),
    ],
)
def test_each_container_counts_once(own: Count, others: list[Count], number: int) -> None:
    assert total(own, others) == number


@pytest.mark.parametrize(
    "answer",
    [b"", b"{", b"[]", b"7", b"{}", b'{"container": "x", "watching": -1}', b'{"watching": 1}', b"\xff"],
)
def test_what_is_no_count_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse(answer)


class Replica(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"container": "x", "watching": 7}' if self.path == "/watching" else b"no")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def replica() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Replica) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_replica_is_asked(replica: int) -> None:
    assert ask_peers("127.0.0.1", replica) == {"127.0.0.1": Count("x", 7)}


def test_a_frozen_replica_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        assert ask_peers("127.0.0.1", frozen.getsockname()[1]) == {"127.0.0.1": None}


def test_an_unknown_name_has_no_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert ask_peers("result", 8080) == {}


def test_viewers_are_told_when_the_count_changes() -> None:
    answers: dict[str, Count | None] = {}
    said: list[tuple[str, Mapping[str, object]]] = []
    watched = Watching(lambda: answers, lambda event, data: said.append((event, data)))
    watched.turn()
    watched.turn()
    watched.arrive("v")
    watched.arrive("v")
    answers["10.0.0.2"] = Count("peer", 4)
    watched.turn()
    answers["10.0.0.2"] = None
    watched.turn()
    watched.leave("v")
    watched.leave("v")
    watched.turn()
    assert said == [("watching", {"count": number}) for number in (0, 5, 1, 0)]
