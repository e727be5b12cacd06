import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from kit.inside import Inside
from kit.services import free_port
from redis_gate.damage import holds_data
from redis_gate.node_tls import Tls
from redis_gate.observation import newest_of, running_peer, waiting_peer
from redis_gate.redis_decision import Peer, Position
from redis_gate.waiting import Answer, ask_waiting, waiting_port

HERE = "127.0.0.1"


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


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    return Inside(tmp_path_factory.mktemp("inside") / "files", HERE, "redis-2")


@pytest.fixture
def port() -> int:
    return free_port()


def tls_of(inside: Inside, server: str = HERE) -> Tls:
    return Tls(str(inside.authority), str(inside.file(server)))


@pytest.mark.parametrize("with_tls", [False, True], ids=["in clear", "with TLS"])
def test_a_waiting_gate_answers_until_it_stops_waiting(port: int, inside: Inside, with_tls: bool) -> None:
    tls = tls_of(inside) if with_tls else None
    own: dict[str, str | bool | None] = {"node": "redis-1", "has_data": True}
    with waiting_port(port, own, tls):
        assert ask_waiting(HERE, port, tls) == {"node": "redis-1", "has_data": True}
        own["newest"] = "7-1"
        assert ask_waiting(HERE, port, tls) == {"node": "redis-1", "has_data": True, "newest": "7-1"}
    assert ask_waiting(HERE, port, tls) is None


@pytest.mark.parametrize("gate", ["in clear", "another authority", "another name"])
def test_a_gate_that_cannot_show_who_it_is_says_nothing(
    port: int, inside: Inside, tmp_path: Path, gate: str
) -> None:
    others = {
        "in clear": None,
        "another authority": tls_of(Inside(tmp_path / "files", HERE)),
        "another name": tls_of(inside, "redis-2"),
    }
    with waiting_port(port, {"node": "redis-1"}, others[gate]):
        assert ask_waiting(HERE, port, tls_of(inside)) is None


def test_who_asks_in_clear_gets_nothing_from_a_gate_with_tls(port: int, inside: Inside) -> None:
    with waiting_port(port, {"node": "redis-1"}, tls_of(inside)):
        assert ask_waiting(HERE, port, None) is None


def test_who_does_not_finish_a_handshake_holds_up_nobody_at_a_gate(port: int, inside: Inside) -> None:
    tls = tls_of(inside)
    with ExitStack() as open_, waiting_port(port, {"node": "redis-1"}, tls):
        for beginning in (b"", b"STATE\r\n", bytes.fromhex("16030100a5010000")):
            open_.enter_context(socket.create_connection((HERE, port))).sendall(beginning)
        assert ask_waiting(HERE, port, tls) == {"node": "redis-1"}
