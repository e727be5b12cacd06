"""No worker meets entries that it cannot read: none come in, and none wait, while the release changes."""

import time

from deployment.errors import DeployError
from deployment.operations.runner.operation import Check
from deployment.operations.runner.pause import Pause, entries_waiting
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import TurnLostError
from deployment.operations.steps import convergence
from deployment.plan.cluster.picture import DRAINING, MAINTENANCE, OPEN
from deployment.plan.release import formats, inside

# A queue that is longer needs a look first.
DRAIN_SECONDS = 180
POLL_SECONDS = 0.5
PAUSE = "take no votes until the queue is empty and the release has changed"


class Readable(Check):
    """What the stack has written can be read by the release that is wanted, and whom it talks to answers."""

    def require(self, site: Site) -> None:
        """Raise DeployError naming who could not read what, or talk to whom."""
        if site.wanted is None:
            return
        if inside.unheard(site.wanted, site.servers("postgres")):
            raise DeployError(
                f"The database that runs demands TLS, for which release {site.wanted.identity} has no "
                "certificates, or others.",
                f"If it knows no TLS: set {inside.MODE}={inside.OFFERED} in stack/.env, run "
                "`python3 deploy.py up`, then this again. "
                "If secrets were lost: `down`, then `up`. The votes stay.",
            )
        wanted = formats.of_services(site.wanted.services)
        if formats.knows_polls(site.formats) and not formats.knows_polls(wanted):
            _require_first_poll(site)
        if unread := formats.lost(site.formats, wanted):
            raise DeployError(
                f"Release {site.wanted.identity} cannot read what the stack has written: {unread}.",
                "Deploy a release that reads it. (The stack file says what each service reads and writes.)",
            )
        unread = _unread(site)
        if unread and not (site.handed and formats.drainable(site.formats) and formats.drainable(wanted)):
            raise DeployError(
                f"Release {site.wanted.identity} can come only while the queue is empty: {unread}.",
                "The queue can run empty only while the stack runs, and only between releases that know how. "
                "Bring up the release from before, and go over one that both can read.",
            )


def _require_first_poll(site: Site) -> None:
    """Raise DeployError unless the poll is the one that a release of before polls knows: it never ends."""
    poll = site.picture.poll
    if poll and (poll.number, poll.state, poll.closes) == (1, OPEN, None):
        return
    found = f"this is poll {poll.number}, {poll.state}" if poll else "nobody can say which poll this is"
    raise DeployError(
        f"Release {site.require_wanted().identity} knows one poll, which never ends, and {found}: it would "
        "take votes that do not count.",
        "Look at `python3 deploy.py poll status`. Deploy a release that knows polls.",
    )


class Drain:
    """No entry waits, and none can come, while workers change that do not read each other's entries."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Say why no votes are to be taken while the release changes."""
        if site.wanted is None or not site.handed:
            return []
        unread = _unread(site)
        return [f"{PAUSE}: {unread}"] if unread and not _held_empty(site) else []

    def do(self, site: Site) -> None:
        """Take no votes, and wait until the queue is empty; where it does not get so, take votes again.

        What somebody closed by hand stays as it is.
        """
        after = MAINTENANCE if site.maintenance and site.picture.queue.intake != OPEN else OPEN
        if _maintained(site) or site.picture.queue.intake in (OPEN, DRAINING, None):
            site.pause = site.pause if site.pause and not site.pause.over else Pause(site, after)
        try:
            _wait_empty(site)
        except TurnLostError:
            raise
        except BaseException:
            if site.pause:
                site.pause.end()
            raise


class Reopen:
    """Votes are taken again."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Say so where they are not because of a change of release; a maintenance goes on."""
        paused = site.pause and not site.pause.over
        if not paused and site.picture.queue.intake != DRAINING:
            return []
        within = site.pause.within_maintenance if site.pause else site.maintenance
        return ["go on with the maintenance" if within else "take votes again"]

    def do(self, site: Site) -> None:
        """Take votes again, once every service runs the release."""
        if convergence.unfinished(site):
            convergence.wait(site)
        if site.pause:
            site.pause.end()
        else:  # of a command that was cut short
            entries_waiting(site, MAINTENANCE if site.maintenance else OPEN)


def _held_empty(site: Site) -> bool:
    """Say whether nothing waits, and nothing comes in until somebody says so.

    A pause that another command has left ends by itself.
    """
    queue = site.picture.queue
    if queue.intake in (OPEN, None) or queue.pending != 0 or _maintained(site):
        return False
    return queue.intake != DRAINING or bool(site.pause and not site.pause.over)


def _maintained(site: Site) -> bool:
    """Say whether the intake is shut by `maintenance on`: then `vote` still tells its accounts.

    While it drains it does not, and workers of another release may not read that.
    """
    return site.maintenance is not None and site.picture.queue.intake == MAINTENANCE


def _unread(site: Site) -> str:
    """Say which entries must not wait while the release changes, or why none should.

    A queue that changes its connections loses nothing: it is drained so that voters get a clear answer. Where
    nobody answers, because half of it has changed, it need not be.
    """
    wanted, answers = site.require_wanted(), site.picture.queue.intake is not None
    entries = formats.undrained(site.formats, formats.of_services(wanted.services))
    turned = inside.turned(wanted, site.servers("redis")) if answers else ""
    return ", ".join(filter(None, (entries, turned)))


def _wait_empty(site: Site) -> None:
    with site.progress.task("Letting the queue run empty; no votes are taken meanwhile") as task:
        while entries := entries_waiting(site):
            task.detail(f"{entries} entries wait")
            if task.seconds > DRAIN_SECONDS:
                raise _stuck(entries, task.seconds)
            time.sleep(POLL_SECONDS)


def _stuck(entries: int, seconds: float) -> DeployError:
    return DeployError(
        f"{entries} entries still wait in the queue after {seconds:.0f} s, so the workers were not changed.",
        "Look at `python3 deploy.py logs worker` and `python3 deploy.py status`: do votes get stored?",
    )
