"""Whose turn it is: one verb at a time over all managers, and when a turn that nobody gave back is over."""

from dataclasses import dataclass

BEAT_SECONDS = 10
# Six beats that did not come: whoever held it was killed, or is cut off.
OVER_AFTER_SECONDS = 60


@dataclass(frozen=True)
class Holder:
    """Who has the turn: a verb that shows every few seconds that it lives, or somebody who said `lock`."""

    by: str  # user@machine
    verb: str
    since: str  # RFC 3339
    message: str = ""
    machine: str = ""  # what tells it from all others, since it was started

    @property
    def by_hand(self) -> bool:
        """Whether it lasts until somebody says `unlock`."""
        return self.verb == "lock"

    def sentence(self) -> str:
        """Say who has it."""
        said = f": {self.message}" if self.message else ""
        return f"{self.by} has the lock, by `{self.verb}`, since {self.since[:19]} UTC{said}"


def over(holder: Holder, here: str, silent_seconds: float) -> bool:
    """Whether a turn may be taken over by a verb on the machine `here`, which nothing else runs on.

    `silent_seconds` have passed since its last sign of life.
    """
    if holder.by_hand:
        return False
    return holder.machine == here or silent_seconds > OVER_AFTER_SECONDS
