"""Follows the tally and tells every viewer when something has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from result.database import DatabaseAwayError
from result.history import Moment, compact
from result.poll import FIRST, Poll
from result.scores import Reading, State, complete, judge

PAST_EVERY_SECONDS = 10.0
POLL_EVERY_SECONDS = 1.0

Emit = Callable[[str, Mapping[str, object]], None]

log = structlog.get_logger()


class Source(Protocol):
    """Where readings come from."""

    def read(self) -> Reading:
        """Return the present reading, or raise DatabaseAwayError."""

    def poll(self) -> Poll:
        """Return which poll there is, or raise DatabaseAwayError."""

    def past(self) -> Sequence[Moment]:
        """Return the last hour, or raise DatabaseAwayError."""


class Feed:
    """The last known scores, state and history, and everyone who wants to hear of the next."""

    def __init__(self, source: Source, options: Mapping[str, str], emit: Emit) -> None:
        self._source = source
        self._options = options
        self._emit = emit
        self.scores: dict[str, int] | None = None
        self.state = State.WAITING
        self.history: dict[str, list[int]] | None = None
        self.probes: list[str] = []
        self.reachable: bool | None = None  # not known before the first answer
        self._read_at = time.monotonic()
        self._pulse_age: float | None = None  # when it was read
        self._look_back_at = 0.0
        self.poll = FIRST
        self._ask_poll_at = 0.0

    @property
    def age(self) -> float:
        """Seconds since the tally was last read, or since the start where it never was."""
        return time.monotonic() - self._read_at

    @property
    def pulse_age(self) -> float | None:
        """Seconds since a worker was last able to commit, as far as is known; None if none ever was."""
        return None if self._pulse_age is None else self._pulse_age + self.age

    def run(self, rest: Callable[[], None]) -> None:
        """Read for as long as the process lives, with a rest after each reading."""
        while True:
            self.turn()
            rest()

    def turn(self) -> None:
        """Read once and emit what differs from what was known."""
        reading = self._read()
        if reading is not None:
            self._publish_scores(complete(reading.tally, self._options))
            self._publish_probes([*reading.probes])
        self._publish_state(judge(reading))
        if reading is not None and time.monotonic() >= self._look_back_at:
            self._look_back_at = time.monotonic() + PAST_EVERY_SECONDS
            self._look_back()

        if reading is not None and time.monotonic() >= self._ask_poll_at:
            self._ask_poll_at = time.monotonic() + POLL_EVERY_SECONDS
            self._ask_poll()

    def _ask_poll(self) -> None:
        try:
            poll = self._source.poll()
        except DatabaseAwayError as error:
            log.warning("poll not known", reason=str(error))
            return
        if poll != self.poll:
            self.poll = poll
            self._emit("poll", poll.told())

    def _read(self) -> Reading | None:
        try:
            reading = self._source.read()
        except DatabaseAwayError as error:
            if self.reachable is not False:
                log.warning("database away", reason=str(error))
            self.reachable = False
            return None
        self.reachable = True
        self._read_at, self._pulse_age = time.monotonic(), reading.pulse_age
        return reading

    def _look_back(self) -> None:
        """Emit the last hour if it differs from what was known; without it all else goes on."""
        try:
            history = compact(self._source.past(), self._options)
        except DatabaseAwayError as error:
            log.warning("no history", reason=str(error))
            return
        if history != self.history:
            self.history = history
            self._emit("history", history)

    def _publish_scores(self, scores: dict[str, int]) -> None:
        if scores != self.scores:
            self.scores = scores
            self._emit("scores", scores)

    def _publish_probes(self, probes: list[str]) -> None:
        """Tell of test votes, as of votes; the page does not listen."""
        if probes != self.probes:
            self.probes = probes
            self._emit("probe", {"newest": probes})

    def _publish_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            log.info("state", state=state.value)
            self._emit("status", {"state": state.value})
