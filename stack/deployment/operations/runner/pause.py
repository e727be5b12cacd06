"""A time in which no votes are taken, while one command is at work."""

import threading
import time

from deployment.engine import observer
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import UNREACHABLE, TurnLostError
from deployment.plan.cluster.picture import DRAINING, OPEN

# So long Redis keeps the intake after the last sign of life; Swarm has then done what it was told.
SECONDS = 180
REFRESH_SECONDS, POLL_SECONDS = 20.0, 0.5
BY_ITSELF = "that ends by itself within"
# A failover of Redis is over by then.
SETTING_SECONDS = 30


class Pause:
    """Begins when it is made; ends by itself some minutes after its command does.

    The intake is then as it was before; within a maintenance it does not end by itself.
    """

    def __init__(self, site: Site, after: str = OPEN) -> None:
        self._site, self._began, self._after = site, time.monotonic(), after
        self._seconds = SECONDS if after == OPEN else 0
        self._over = threading.Event()
        entries_waiting(site, DRAINING, self._seconds)
        self._refresher = threading.Thread(target=self._refresh, name="pause", daemon=True)
        self._refresher.start()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over.is_set()

    @property
    def within_maintenance(self) -> bool:
        """Whether no votes are taken after it either."""
        return self._after != OPEN

    def end(self) -> None:
        """Take votes again, and say for how long none were taken, or go on with a maintenance.

        Raises DeployError.
        """
        self._over.set()
        self._refresher.join()  # what it is just saying would come after what is said here
        entries_waiting(self._site, self._after)
        if not self.within_maintenance:
            self._site.progress.say(f"  No votes were taken for {time.monotonic() - self._began:.0f} s")

    def leave(self) -> None:
        """Say that it ends by itself, where its command stops before that."""
        if not self.over:
            self._over.set()
            ends = "the maintenance goes on" if self.within_maintenance else f"{BY_ITSELF} {SECONDS} s"
            self._site.progress.say(f"  No votes are taken now; {ends}")

    def _refresh(self) -> None:
        while not self._over.wait(REFRESH_SECONDS):
            try:
                self._site.turn()
                observer.set_intake(self._site.engine, DRAINING, self._seconds)
            except TurnLostError:
                return
            except UNREACHABLE:
                continue  # the next time may be better


def entries_waiting(site: Site, state: str = "", seconds: int = 0) -> int:
    """Set the intake to a state, if one is given, and return how many entries wait then.

    After so many seconds, if any, it is open again. Tries for half a minute, since Redis may fail over.
    Raises DeployError.
    """
    deadline = time.monotonic() + SETTING_SECONDS
    while True:
        site.turn()
        try:
            return observer.set_intake(site.engine, state, seconds)
        except UNREACHABLE as error:
            if time.monotonic() > deadline:
                raise DeployError(
                    f"The intake of the queue does not answer: {error}",
                    "Look at `python3 deploy.py status`, then run the same command again.",
                ) from error
            time.sleep(POLL_SECONDS)
