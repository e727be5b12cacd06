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
# A failover of Redis is over by then.
SETTING_SECONDS = 30


class Pause:
    """Begins when it is made; ends by itself some minutes after its command does."""

    def __init__(self, site: Site) -> None:
        self._site, self._began = site, time.monotonic()
        self._over = threading.Event()
        entries_waiting(site, DRAINING)
        self._refresher = threading.Thread(target=self._refresh, name="pause", daemon=True)
        self._refresher.start()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over.is_set()

    def end(self) -> None:
        """Take votes again, and say for how long none were taken; raise DeployError."""
        self._over.set()
        self._refresher.join()  # what it is just saying would come after what is said here
        entries_waiting(self._site, OPEN)
        self._site.progress.say(f"  No votes were taken for {time.monotonic() - self._began:.0f} s")

    def leave(self) -> None:
        """Say that it ends by itself, where its command stops before that."""
        if not self.over:
            self._over.set()
            self._site.progress.say(f"  No votes are taken now; that ends by itself within {SECONDS} s")

    def _refresh(self) -> None:
        while not self._over.wait(REFRESH_SECONDS):
            try:
                self._site.turn()
                observer.set_intake(self._site.engine, DRAINING, SECONDS)
            except TurnLostError:
                return
            except UNREACHABLE:
                continue  # the next time may be better


def entries_waiting(site: Site, state: str = "") -> int:
    """Set the intake to a state, if one is given, and return how many entries wait then.

    Tries for half a minute, since Redis may fail over. Raises DeployError.
    """
    deadline = time.monotonic() + SETTING_SECONDS
    while True:
        site.turn()
        try:
            return observer.set_intake(site.engine, state, SECONDS if state == DRAINING else 0)
        except UNREACHABLE as error:
            if time.monotonic() > deadline:
                raise DeployError(
                    f"The intake of the queue does not answer: {error}",
                    "Look at `python3 deploy.py status`, then run the same command again.",
                ) from error
            time.sleep(POLL_SECONDS)
