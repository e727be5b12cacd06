"""What the pages need of the queue."""

from __future__ import annotations

from typing import Protocol

from vote.ballot import Ballot
from vote.errors import ServiceError
from vote.poll import Poll
from vote.probe import Probe

UNSUPPORTED = "unsupported"
"""Where a test vote meets a queue of the release before."""


class NotRecordedError(ServiceError):
    """The vote was not acknowledged in time; the voter has to be told so."""


class NotTakenError(ServiceError):
    """No votes are taken now, in this `state` of the intake; nothing was recorded."""

    def __init__(self, state: str) -> None:
        super().__init__(f"no votes are taken: {state}")
        self.state = state


class Queue(Protocol):
    """Where a vote goes: what returns from here was acknowledged."""

    @property
    def poll(self) -> Poll:
        """The poll there is, as far as is known; who appends a vote decides."""

    @property
    def maintained(self) -> bool:
        """Whether no votes are taken because of maintenance, as far as is known."""

    def publish(self, ballot: Ballot | Probe) -> None:
        """Return once the ballot is safe; raise NotRecordedError, or NotTakenError if none are taken."""

    def ready(self) -> bool:
        """Say whether a vote that comes now would be accepted."""

    def finish(self) -> None:
        """Return once no accepted vote depends on this process any more."""
