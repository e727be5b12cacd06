"""Viewers of the result who follow it over Socket.IO and come back like the page does."""

import json
import random
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Self

import websocket

from kit.waiting import wait_until
from swarm.edges import NoEdgeError, Site

# As in result.js.
RECONNECT_SECONDS, LONGEST_RECONNECT_SECONDS = 0.25, 2.0
HANDSHAKE_SECONDS = 5.0
START_SECONDS = 30.0


class Viewer:
    """One open page; `moves` are the moments at which its total changed."""

    def __init__(self, site: Site, turn: int) -> None:
        self.total: int | None = None
        self.moves: list[float] = []
        self._site = site
        self._turn = turn
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._plug: ssl.SSLSocket | None = None
        self._problem: BaseException | None = None

    def start(self) -> None:
        """Open the page."""
        self._thread.start()

    def stop(self) -> None:
        """Close the page."""
        self._ending.set()
        self._unplug()
        self._thread.join()
        self.complain()

    def complain(self) -> None:
        """Raise what ended it, if anything did."""
        if self._problem:
            raise self._problem

    def moved_since(self, moment: float) -> bool:
        """Whether the total has changed since a moment."""
        return bool(self.moves) and self.moves[-1] > moment

    def _stay(self) -> None:
        try:
            delay = RECONNECT_SECONDS
            while not self._ending.is_set():
                delay = RECONNECT_SECONDS if self._visit() else min(2 * delay, LONGEST_RECONNECT_SECONDS)
                self._turn += 1
                self._ending.wait(delay * random.uniform(0.5, 1.5))
        except BaseException as problem:  # noqa: BLE001 - raised again where the viewer is asked
            self._problem = problem

    def _visit(self) -> bool:
        """Watch until the connection ends; return whether there was one."""
        connected = False
        try:
            line = self._open()
            connected = True
            while not self._ending.is_set():
                self._hear(line, str(line.recv()))
        except (NoEdgeError, OSError, websocket.WebSocketException):
            pass  # the page says "reconnecting" and comes back, and so do we
        finally:
            self._unplug()
        return connected

    def _unplug(self) -> None:
        if self._plug:
            with suppress(OSError):  # ended already
                self._plug.shutdown(socket.SHUT_RDWR)
            self._plug.close()

    def _open(self) -> websocket.WebSocket:
        _, self._plug = self._site.connect(self._turn)
        self._plug.settimeout(HANDSHAKE_SECONDS)
        port = "" if self._site.port == 443 else f":{self._site.port}"
        url = f"wss://{self._site.host}{port}/socket.io/?EIO=4&transport=websocket"
        line = websocket.create_connection(url, socket=self._plug, timeout=HANDSHAKE_SECONDS)
        if not (packet := str(line.recv())):  # a replica that goes
            raise websocket.WebSocketConnectionClosedException
        opened = json.loads(packet[1:])
        line.settimeout((opened["pingInterval"] + opened["pingTimeout"]) / 1000)
        line.send("40")
        return line

    def _hear(self, line: websocket.WebSocket, packet: str) -> None:
        if packet == "2":
            line.send("3")
        elif not packet:
            raise websocket.WebSocketConnectionClosedException
        elif packet.startswith('42["scores"'):
            total = sum(json.loads(packet[2:])[1].values())
            # A replica that is behind, met after a reconnection, moves nothing.
            if self.total is None or total > self.total:
                self.total = total
                self.moves.append(time.monotonic())


class Audience:
    """Viewers who began at different edges; a context manager."""

    def __init__(self, site: Site, size: int = 2) -> None:
        self.viewers = [Viewer(site, turn) for turn in range(size)]

    def __enter__(self) -> Self:
        for viewer in self.viewers:
            viewer.start()
        wait_until(lambda: all(v.total is not None for v in self.viewers), START_SECONDS, self.describe)
        return self

    def __exit__(self, *_: object) -> None:
        for viewer in self.viewers:
            viewer.stop()

    def moved_since(self, moment: float) -> bool:
        """Whether every viewer has seen the total change since a moment."""
        for viewer in self.viewers:
            viewer.complain()
        return all(viewer.moved_since(moment) for viewer in self.viewers)

    def describe(self) -> str:
        """Say what each viewer sees."""
        return ", ".join(f"viewer {n} sees {viewer.total}" for n, viewer in enumerate(self.viewers, 1))
