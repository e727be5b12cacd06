"""New voters, many at once: each votes over a connection of its own, and is counted when it was told so."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from seed import ballots
from seed.ballots import Fate
from seed.door import Answer, Door, UnansweredError, UnreachableError

AT_ONCE = 50
# How long a vote is refused, and no other taken, before all is given up.
PATIENCE_SECONDS = 60.0
# So many without an answer, one after another, are more than one replica can take with it when it dies.
MOST_UNANSWERED = 2 * AT_ONCE
TELL_SECONDS = 0.2


@dataclass
class Count:
    """What became of the votes, by option."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    put_off: int = 0  # answers that asked to come again later
    problem: str = ""  # why no more were sent
    interrupted: bool = False
    seconds: float = 0.0


class Voters:
    """Sends a vote for each choice, at most `rate` a second."""

    def __init__(self, door: Door, choices: Iterable[str], rate: float | None = None) -> None:
        self._door = door
        self._numbered = enumerate(choices)
        self._rate = rate
        self._lock = threading.Lock()
        self._over, self._idle = threading.Event(), threading.Event()
        self._busy = AT_ONCE
        self._count = Count()
        self._unanswered = 0  # since the last that was answered
        self._began = self._last = time.monotonic()

    def run(self, tell: Callable[[int], None]) -> Count:
        """Send all and return what became of them; tell in the meantime how many are acknowledged.

        An interrupt lets those that are under way be answered. What a second one ends is not known.
        """
        threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        try:
            # Not by `join`: Python 3.11 takes a thread whose `join` was interrupted for one that has ended.
            while not self._idle.wait(TELL_SECONDS):
                with self._lock:
                    acknowledged = self._count.acknowledged.total()
                tell(acknowledged)
        except KeyboardInterrupt:
            self._count.interrupted = True
        self._over.set()
        for thread in threads:
            thread.join()
        self._count.seconds = time.monotonic() - self._began
        return self._count

    def _go_on(self) -> None:
        try:
            while choice := self._next():
                self._cast(choice)
        finally:
            with self._lock:
                self._busy -= 1
                if not self._busy:
                    self._idle.set()

    def _next(self) -> str:
        """Return the next choice when its time has come; the empty string when there is none."""
        with self._lock:
            number, choice = next(self._numbered, (0, ""))
        due = self._began + number / self._rate if self._rate else 0.0
        over = self._over.wait(max(0.0, due - time.monotonic()))
        return "" if over else choice

    def _cast(self, choice: str) -> None:
        """Vote until that is answered; whom a refusal gave a cookie comes again as the same voter."""
        began, cookie, fate = time.monotonic(), "", Fate.LATER
        while fate is Fate.LATER and not self._over.is_set():
            answer, fate, problem = self._try(choice, cookie)
            cookie = "; ".join(answer.cookies) or cookie
            fate = Fate.LATER if fate is Fate.UNKNOWN and cookie else fate
            self._note(choice, fate, problem, began)
            if fate is not Fate.RECORDED:
                self._over.wait(ballots.pause(answer))
        if fate is Fate.LATER and cookie:  # the page gives one when the vote may still get into the queue
            self._note(choice, Fate.UNKNOWN)

    def _try(self, choice: str, cookie: str) -> tuple[Answer, Fate, str]:
        try:
            answer = self._door.post(f"vote={choice}", cookie)
        except UnreachableError as error:
            return Answer(0), Fate.LATER, str(error)
        except UnansweredError as error:
            return Answer(0), Fate.UNKNOWN, str(error)
        return answer, ballots.fate(answer.status), f"the vote page answers {answer.status}"

    def _note(self, choice: str, fate: Fate, problem: str = "", began: float = math.inf) -> None:
        with self._lock:
            now = time.monotonic()
            self._count.acknowledged[choice] += fate is Fate.RECORDED
            self._count.unknown[choice] += fate is Fate.UNKNOWN
            self._count.put_off += fate is Fate.LATER
            self._unanswered = self._unanswered + 1 if fate is Fate.UNKNOWN else 0
            if fate is Fate.RECORDED:
                self._last = now
            tired = fate is Fate.LATER and now - max(began, self._last) > PATIENCE_SECONDS
            if fate is Fate.REFUSED:
                self._give_up(problem)
            elif tired:
                self._give_up(f"no vote was taken for {PATIENCE_SECONDS:.0f} s, {problem}")
            elif self._unanswered >= MOST_UNANSWERED:
                self._give_up(f"{self._unanswered} votes one after another got no answer, {problem}")

    def _give_up(self, problem: str) -> None:
        """Send no more; the first reason is the one that is told."""
        self._count.problem = self._count.problem or problem
        self._over.set()
