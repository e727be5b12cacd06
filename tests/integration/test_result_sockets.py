"""A stranger's connection to the result page costs nobody else anything."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path

import pytest
import socketio

from integration.raw_viewers import (
    BINARY,
    CONTINUED,
    PING,
    TEXT,
    UPGRADE,
    Raw,
    frame,
    header,
    open_session,
    poll,
    watch,
)
from kit.containers import docker
from kit.images import reference
from kit.services import GUNICORN, Service, free_port
from kit.waiting import wait_until

MEBIBYTE = 2**20
FLOOD = 64
GROWTH_BYTES = 12 * MEBIBYTE
CUT_SECONDS = 30.0
PONG_EVERY_SECONDS = 3.0
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
GREETING = b'42["status"'

FLOODS: dict[str, Iterable[bytes]] = {
    "one frame": [header(263 * MEBIBYTE), *repeat(bytes(MEBIBYTE), FLOOD)],
    "only the head of a frame": [header(4097)],
    "a length of 64 bits": [header(2**62)],
    "fragments": [frame(bytes(1000), TEXT, last=False)]
    + [frame(bytes(1000), CONTINUED, last=False) * 1000] * FLOOD,
    "tiny fragments": [frame("3", TEXT, last=False)] + [frame("", CONTINUED, last=False) * 10_000] * 10,
    "tiny packets": [frame("3") * 10_000] * 10,
    "pings": [frame("", PING) * 10_000] * 10,
    "a binary frame": [frame(b"\x04", BINARY)],
    "what is not UTF-8": [frame(b"3\xff")],
    "what was compressed": [frame(zlib.compress(bytes(4 * MEBIBYTE))[2:-4], TEXT, compressed=True)],
}
FORBIDDEN = (
    '42["connect"]', '42["disconnect","x"]', '421["connect"]', '42/other,["connect"]', '43["x"]', "430[]",
    '44{"a":1}', '451-["connect",{"_placeholder":true,"num":0}]', '451000000000-["x"]', '461-1["x"]',
    "40/other,", "40[", "0", "2", "4", "6", "7", "9", "b", "bNDA=", "junk", "d=40", "x" * 3000,
)  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start one replica, whose database is away."""
    secret = tmp_path_factory.mktemp("result") / "secret"
    secret.write_text("hush")
    environment = {
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PASSWORD_FILE": str(secret),
        "DRAIN_SECONDS": "0",
        "PORT": str(free_port()),
    }
    started = Service("result", (*GUNICORN, "result:create_app()"), environment)
    started.wait_ready("/healthz")
    yield started
    started.kill()


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_ends_its_own_connection_and_nobody_elses(service: Service, flood: str) -> None:
    with watch(service.url) as other:
        before = service.memory_bytes
        with watch(service.url, DEFLATE) as stranger:
            stranger.send(FLOODS[flood])
            stranger.rest()
        other.send([frame("hello", PING)])
        other.until(b"hello")
    assert service.memory_bytes - before < GROWTH_BYTES


def test_what_a_page_is_sent_is_not_waited_for(service: Service) -> None:
    before = service.memory_bytes
    with Raw(service.url) as stranger:
        stranger.send([f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {2**40}\r\n\r\n".encode()])
        assert stranger.until(b"\r\n\r\n").startswith(b"HTTP/1.1 405")
        stranger.send(repeat(bytes(MEBIBYTE), FLOOD))
        stranger.rest()
    assert service.memory_bytes - before < GROWTH_BYTES


@pytest.mark.parametrize("packet", FORBIDDEN)
def test_a_viewer_can_send_no_event_over_a_websocket(service: Service, packet: str) -> None:
    with watch(service.url) as viewer:
        viewer.send([frame(packet)])
        assert b"42[" not in viewer.rest().replace(b'42["watching"', b"")


@pytest.mark.parametrize("packet", ["", *FORBIDDEN, "2probe", "5", "\x1e".join(["3"] * 17), "3" * 5000])
def test_a_polling_viewer_who_sends_anything_else_is_answered_at_once(service: Service, packet: str) -> None:
    session = open_session(service.url)
    assert poll(service.url, "POST", session, "40")[0] == 200
    assert GREETING.decode() in poll(service.url, "GET", session)[1]
    assert poll(service.url, "POST", session, packet)[0] in (400, 413)


def test_a_viewer_is_greeted_once(service: Service) -> None:
    with watch(service.url) as viewer:
        viewer.send([frame("40") + frame("41") + frame("40") + frame("41") + frame("40")])
        assert GREETING not in viewer.rest()
    session = open_session(service.url)
    poll(service.url, "POST", session, "\x1e".join(["40", "41", "40", "1", "40"]))
    assert poll(service.url, "GET", session)[1].count(GREETING.decode()) <= 1
    wait_until(lambda: poll(service.url, "POST", session, "40")[0] == 400)


@pytest.mark.parametrize("query", ["&j=0", "&t=" + "x" * 300])
def test_nothing_is_begun_that_no_standard_client_asks_for(service: Service, query: str) -> None:
    assert poll(service.url, "GET", query)[0] == 400


def test_an_old_protocol_is_refused(service: Service) -> None:
    with Raw(service.url) as raw:
        raw.ask("GET", "&EIO=3&transport=polling", "Connection: close\r\n")
        assert raw.rest().startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_a_standard_client_is_shown_the_result(service: Service, transports: list[str]) -> None:
    states: list[object] = []
    with socketio.SimpleClient() as client:
        client.connect(service.url, transports=transports)
        while not states or states[-1][0] != "status":  # type: ignore[index]
            states.append(client.receive(timeout=10))
        assert client.transport == transports[-1]
    assert states[-1] == ["status", {"state": "waiting"}]


def test_whoever_is_silent_is_cut_and_whoever_answers_stays(service: Service) -> None:
    session, half, trickling = (open_session(service.url) for _ in range(3))
    stays = [socketio.SimpleClient() for _ in range(2)]
    for client, transport in zip(stays, ("polling", "websocket"), strict=True):
        client.connect(service.url, transports=[transport])
    sids = [client.sid for client in stays]
    silent = [watch(service.url)]
    held, slow, begun, probed = (Raw(service.url) for _ in range(4))
    slow.ask("POST", f"&transport=polling{session}", "Content-Length: 20\r\n", "4")
    held.ask("GET", f"&transport=polling{session}")
    assert poll(service.url, "GET", session)[0] == 400
    begun.ask("GET", f"&transport=websocket{half}", UPGRADE)
    probed.ask("GET", f"&transport=websocket{trickling}", UPGRADE)
    probed.send([frame("2probe")])
    silent += [slow, begun, probed]
    assert held.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert slow.rest(CUT_SECONDS).startswith(b"HTTP/1.1 408")
    for each in silent:
        each.rest(CUT_SECONDS)
        each.socket.close()
    assert [client.sid for client in stays if client.connected] == sids
    for client in stays:
        client.disconnect()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[str]:
    """Run the image with room for 42 viewers; give its address."""
    (tmp_path / "secret").write_text("hush")
    (tmp_path / "secret").chmod(0o644)
    tmp_path.chmod(0o755)
    name = docker(
        "run", "--detach", "--memory", "116m", "--memory-swap", "116m", "--publish", "127.0.0.1::8080",
        "--env", "DATABASE_HOST=127.0.0.1", "--env", "DATABASE_PASSWORD_FILE=/secret",
        "--volume", f"{tmp_path / 'secret'}:/secret:ro", reference("result"),
    )  # fmt: skip
    url = "http://" + docker("port", name, "8080").partition("\n")[0]
    wait_until(lambda: _answers(url), 60)
    yield url
    killed = docker("inspect", "--format", "{{.State.OOMKilled}}", name)
    docker("rm", "--force", "--volumes", name)
    assert killed == "false"


def _answers(url: str) -> bool:
    try:
        return poll(url, "GET", "&j=0")[0] == 400
    except OSError:
        return False


def test_beyond_what_memory_holds_viewers_are_told_and_the_others_stay(small: str) -> None:
    room = 42
    viewers: list[Raw] = []
    answered = time.monotonic()
    for _ in range(room):
        viewers.append(watch(small))
        # Where the others are long in coming, those who are there must answer pings.
        if time.monotonic() - answered > PONG_EVERY_SECONDS:
            for viewer in viewers:
                viewer.send([frame("3")])
            answered = time.monotonic()
    with Raw(small) as late:
        late.ask("GET", "&transport=websocket", UPGRADE)
        answer = late.until(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 10" in answer
    assert poll(small, "GET", "")[0] == 503
    for viewer in viewers:
        viewer.send([frame("hello", PING), frame("3")])
        viewer.until(b"hello")
    viewers.pop().socket.close()
    wait_until(lambda: poll(small, "GET", "")[0] == 200)
    for viewer in viewers:
        viewer.socket.close()
