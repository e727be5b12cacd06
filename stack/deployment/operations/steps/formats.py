"""Nobody is given to read what he cannot: not an entry of the queue, and not a file."""

import time

from deployment.engine import observer
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.operations.steps import convergence
from deployment.plan.cluster.picture import DRAINING, OPEN
from deployment.plan.release import formats

# A failover of Redis is over by then; and a queue that is longer needs a look first.
SETTING_SECONDS, DRAIN_SECONDS = 30, 180
POLL_SECONDS = 0.5
PAUSE = "take no votes until the queue is empty and the release has changed"


class Readable:
    """What the stack has written for good can be read by the release that is wanted."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Return nothing, or raise DeployError naming who could not read what."""
        if site.wanted is None or not site.handed:
            return []
        if unread := formats.lost(site.formats, formats.of_services(site.wanted.services)):
            raise DeployError(
                f"Release {site.wanted.identity} cannot read what the stack has written: {unread}. "
                "Nothing was changed.",
                "Deploy a release that reads it. (The stack file says what each service reads and writes.)",
            )
        return []

    def do(self, site: Site) -> None:
        """Do nothing: there never is anything to do."""


class Drain:
    """No entry waits, and none can come, while workers change that do not read each other's entries."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Say why no votes are to be taken while the release changes."""
        if site.wanted is None or not site.handed:
            return []
        unread = formats.undrained(site.formats, formats.of_services(site.wanted.services))
        queue = site.picture.queue
        if not unread or (queue.intake not in (OPEN, None) and queue.pending == 0):
            return []
        return [f"{PAUSE}: {unread}"]

    def do(self, site: Site) -> None:
        """Take no votes, and wait until the queue is empty; where it does not get so, take votes again."""
        site.paused = time.monotonic()
        try:
            with site.progress.task("Letting the queue run empty; no votes are taken meanwhile") as task:
                while entries := _set_intake(site, DRAINING):
                    task.detail(f"{entries} entries wait")
                    if task.seconds > DRAIN_SECONDS:
                        raise _stuck(entries, task.seconds)
                    time.sleep(POLL_SECONDS)
        except BaseException:
            _set_intake(site, OPEN)
            raise


class Reopen:
    """Votes are taken."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Say so where they are not because of a change of release."""
        return ["take votes again"] if site.picture.queue.intake == DRAINING else []

    def do(self, site: Site) -> None:
        """Take votes again, once every service runs the release."""
        if convergence.unfinished(site):
            convergence.wait(site)
        _set_intake(site, OPEN)
        if site.paused is not None:
            site.progress.say(f"  No votes were taken for {time.monotonic() - site.paused:.0f} s")


def _set_intake(site: Site, state: str) -> int:
    """Set the intake and return how many entries wait; tries for half a minute, since Redis may fail over."""
    deadline = time.monotonic() + SETTING_SECONDS
    while True:
        try:
            return observer.set_intake(site.engine, state)
        except DeployError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _stuck(entries: int, seconds: float) -> DeployError:
    return DeployError(
        f"{entries} entries still wait in the queue after {seconds:.0f} s, so the release was not changed. "
        "Votes are taken again.",
        "Look at `python3 deploy.py logs worker` and `python3 deploy.py status`: do votes get stored?",
    )
