"""New voters at the door of the stack that is up here, and what each was told."""

import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from kit.waiting import wait_until
from seed.door import Door, UnansweredError, UnreachableError

VOTERS = 4
# Together fewer than the 50 new voters a second that one address may send.
PAUSE_SECONDS = 0.1
COOKIE = re.compile(r"voter_id=[0-9a-f]+\.[0-9]+(?:\.([0-9]+))?\.[\w-]+")


class Told(NamedTuple):
    """What a voter was told, when it was sent and answered, and the poll that stands in the cookie."""

    sent: float
    answered: float
    status: int
    choice: str
    poll: int


class Crowd:
    """New voters, one after the other, at several doors at once; a context manager."""

    def __init__(self, door: Door) -> None:
        self.told: list[Told] = []
        self._door = door
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(VOTERS)

    def __enter__(self) -> "Crowd":
        self._ends = [self._pool.submit(self._vote, "ab"[n % 2]) for n in range(VOTERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()
        for end in self._ends:
            end.result()

    def wait_for(self, status: int, count: int = 20) -> None:
        """Wait for so many more answers of this kind."""
        before = len(self.told)
        wait_until(lambda: sum(one.status == status for one in self.told[before:]) >= count)

    def acknowledged(self, poll: int) -> list[Told]:
        """Return the votes that were acknowledged in a poll."""
        return [one for one in self.told if one.status == 200 and one.poll == poll]

    def _vote(self, choice: str) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            sent = time.monotonic()
            try:
                answer = self._door.post(f"vote={choice}")
            except (UnansweredError, UnreachableError) as error:
                pytest.fail(f"a vote was not answered: {error}")
            found = next((match for cookie in answer.cookies if (match := COOKIE.fullmatch(cookie))), None)
            poll = int(found[1] or 1) if found else 0
            self.told.append(Told(sent, time.monotonic(), answer.status, choice, poll))


def counted(told: Sequence[Told]) -> Counter[str]:
    """Count votes by their choice."""
    return Counter(one.choice for one in told)
