"""People who watch the result: Socket.IO clients that write down when each score reached them."""

import asyncio
import gc
import json
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Self

from websockets.asyncio.client import ClientConnection, connect

from bench.open_loop import Place

CONNECT, PING, PONG, EVENT = "40", "2", "3", "42"
HOST = "result.localhost"
PATH = "/socket.io/?EIO=4&transport=websocket"
ARRIVED_SECONDS = 60.0
AT_ONCE = 50

Arrival = tuple[float, dict[str, int]]


class Viewers:
    """So many clients on one replica, in a thread of their own; a context manager.

    Collects no garbage meanwhile: whoever stops for it would blame the service.
    """

    def __init__(self, place: Place, count: int) -> None:
        self.arrivals: list[list[Arrival]] = [[] for _ in range(count)]
        self.problems: list[BaseException] = []
        self._place = place
        self._watching = 0
        self._all_here, self._leaving = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._watch_all(),))

    def __enter__(self) -> Self:
        gc.disable()
        self._thread.start()
        if not self._all_here.wait(ARRIVED_SECONDS):
            self.__exit__()
            why = self.problems[0] if self.problems else "no scores came"
            raise TimeoutError(f"only {self._watching} of {len(self.arrivals)} viewers are there: {why!r}")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join()
        gc.enable()

    async def _watch_all(self) -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        watching = [asyncio.create_task(self._watch(own, gate)) for own in self.arrivals]
        await self._leaving.wait()
        self.problems = [
            problem for task in watching if task.done() and (problem := task.exception()) is not None
        ]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)

    async def _watch(self, arrivals: list[Arrival], gate: asyncio.Semaphore) -> None:
        async with gate:
            connection = await connect(
                f"{'wss' if self._place.trust else 'ws'}://{HOST}{PATH}",
                host=self._place.address,
                port=self._place.port,
                ssl=self._place.trust,
                ping_interval=None,
                compression=None,
            )
            await connection.send(CONNECT)
        async with connection:
            await self._listen(connection, arrivals)

    async def _listen(self, connection: ClientConnection, arrivals: list[Arrival]) -> None:
        async for message in connection:
            text = str(message)
            if text == PING:
                await connection.send(PONG)
            elif scores := _scores(text):
                arrivals.append((time.monotonic(), scores))
                self._note_first(arrivals)

    def _note_first(self, arrivals: Sequence[Arrival]) -> None:
        self._watching += len(arrivals) == 1
        if self._watching == len(self.arrivals):
            self._all_here.set()


@lru_cache(maxsize=1000)  # all viewers are told the same
def _scores(message: str) -> dict[str, int] | None:
    """Return the scores that a message tells of, None if it tells of something else."""
    if not message.startswith(EVENT):
        return None
    name, what = json.loads(message.removeprefix(EVENT))
    return what if name == "scores" else None


def seen_at(arrivals: Sequence[Arrival], key: str, count: int) -> float:
    """Return when a viewer saw an option, which only gains votes, reach a count; infinity if never."""
    first = bisect_left(arrivals, count, key=lambda arrival: arrival[1][key])
    return arrivals[first][0] if first < len(arrivals) else float("inf")
