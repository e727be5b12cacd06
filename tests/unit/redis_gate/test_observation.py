import socket
from pathlib import Path

import pytest

from redis_gate.damage import holds_data
from redis_gate.observation import newest_of, running_peer, waiting_peer
from redis_gate.redis_decision import Peer, Position
from redis_gate.waiting import Answer, ask_waiting, waiting_port


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"role": "master", "loading": 0}, Peer.PRIMARY),
        ({"role": "master", "loading": 1}, Peer.LOADING_PRIMARY),
        ({"role": "slave", "slave_repl_offset": 7376}, Peer.SYNCED_REPLICA),
        ({"role": "slave", "slave_repl_offset": 1}, Peer.UNSYNCED_REPLICA),
        ({"role": "slave", "slave_repl_offset": 0}, Peer.UNSYNCED_REPLICA),
    ],
)
def test_running_peer(info: dict[str, str | int], expected: Peer) -> None:
    assert running_peer(info) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, Peer.SILENT),
        ({"has_data": True}, Peer.WAITING_WITH_DATA),
        ({"has_data": False}, Peer.WAITING_EMPTY),
        ({"has_data": True, "damage": None}, Peer.WAITING_WITH_DATA),
        ({"has_data": True, "damage": "appendonly.aof.manifest is missing"}, Peer.WAITING_DAMAGED),
    ],
)
def test_waiting_peer(answer: Answer | None, expected: Peer) -> None:
    assert waiting_peer(answer) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, None),
        ({"has_data": True}, None),
        ({"has_data": True, "newest": None}, None),
        ({"has_data": True, "newest": "0-0"}, (0, 0)),
        ({"has_data": True, "newest": "1795352128858-3"}, (1795352128858, 3)),
    ],
)
def test_newest_of(answer: Answer | None, expected: Position | None) -> None:
    assert newest_of(answer) == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({}, False),
        ({"appendonly.aof.1.base.rdb": 88, "appendonly.aof.1.incr.aof": 0}, False),
        ({"appendonly.aof.1.base.rdb": 88, "appendonly.aof.1.incr.aof": 131}, True),
        ({"appendonly.aof.2.base.rdb": 350, "appendonly.aof.2.incr.aof": 0}, True),
    ],
)
def test_holds_data(tmp_path: Path, sizes: dict[str, int], expected: bool) -> None:
    (tmp_path / "appendonlydir").mkdir()
    for name, size in sizes.items():
        (tmp_path / "appendonlydir" / name).write_bytes(bytes(size))
    assert holds_data(tmp_path) is expected


def test_a_waiting_gate_answers_until_it_stops_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own: dict[str, str | bool | None] = {"node": "redis-1", "has_data": True}
    with waiting_port(port, own):
        assert ask_waiting("127.0.0.1", port) == {"node": "redis-1", "has_data": True}
        own["newest"] = "7-1"
        assert ask_waiting("127.0.0.1", port) == {"node": "redis-1", "has_data": True, "newest": "7-1"}
    assert ask_waiting("127.0.0.1", port) is None
