"""`deploy.py maintenance`: voting is paused, and goes on."""

import time

from deployment.configuration.settings import Settings
from deployment.engine.machine.engine import Client
from deployment.engine.records import maintenance
from deployment.engine.swarm import nodes
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner import pause
from deployment.operations.runner.operation import Step
from deployment.operations.runner.pause import entries_waiting
from deployment.operations.runner.site import Site, me, now
from deployment.plan.cluster.picture import DRAINING, MAINTENANCE, OPEN
from deployment.plan.maintenance import Maintenance
from deployment.progress import Progress

# Each vote process looks once a second.
SEEN_SECONDS, POLL_SECONDS = 10.0, 0.5
# An observer that has lost its connection has another by then.
ANSWER_SECONDS = 15.0


class Paused:
    """No votes are taken, and it is known who said so."""

    touches = False

    def __init__(self, message: str = "", since: str = "") -> None:
        self._message, self._since = message, since

    def missing(self, site: Site) -> list[str]:
        """Say what is to be done; raise DeployError where nobody can say whether votes are taken."""
        intake, kept = _intake(site), site.maintenance
        if intake not in (OPEN, DRAINING, MAINTENANCE):
            raise DeployError(
                f"Somebody has set the intake of the queue to {intake}: nobody can vote already. "
                "Nothing was changed.",
                "`maintenance off` would open it. If that is right, open it first: "
                "`python3 deploy.py exec observer -- python -m observer.intake open`. Then run this again.",
            )
        if intake == MAINTENANCE and kept and self._message in ("", kept.message):
            return []
        pause = ["take no votes: voters read that the page is being worked on"]
        return pause if intake != MAINTENANCE else ["note who paused the voting, and why"]

    def do(self, site: Site) -> None:
        """Keep who said so, then shut the intake: a change of release in between would not open it."""
        kept = site.maintenance or Maintenance(me(), self._since or now())
        maintenance.keep(site.engine, Maintenance(kept.by, kept.since, self._message or kept.message))
        if _intake(site) != MAINTENANCE:
            entries_waiting(site, MAINTENANCE)


class Resumed:
    """Votes are taken again."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say so while a maintenance lasts; what shut the intake otherwise is not for this to open."""
        intake, kept = _intake(site), site.maintenance
        if intake == MAINTENANCE:
            return ["take votes again"]
        return ["forget the maintenance"] if kept else []

    def do(self, site: Site) -> None:
        """Forget the maintenance, then open the intake: between the two no votes are taken.

        Where a change of release was cut short the intake opens by itself, as without a maintenance.
        """
        intake = _intake(site)
        maintenance.forget(site.engine)
        if intake == MAINTENANCE:
            entries_waiting(site, OPEN)
        elif intake == DRAINING:
            entries_waiting(site, DRAINING, pause.SECONDS)


def _intake(site: Site) -> str:
    """Return the intake once somebody can say what it is; raise DeployError if nobody can for long."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while (found := site.picture.queue.intake) is None:
        if time.monotonic() > deadline:
            raise DeployError(
                "Nobody here can say whether votes are taken: no observer runs on this node, or the queue "
                "does not answer it.",
                "Look at `python3 deploy.py status`, then run the same command again.",
            )
        time.sleep(POLL_SECONDS)
        site.look_again()
    return found


def site(client: Client, progress: Progress, settings: Settings, verb: str) -> Site:
    """Return what a verb works on."""
    return Site(settings, progress, client, lambda _: None, verb=f"maintenance {verb}")


def step(verb: str, message: str = "") -> Step:
    """Return what `on` or `off` makes true."""
    return Paused(message) if verb == "on" else Resumed()


def unseen(on: Site) -> list[str]:
    """Wait until each edge shows visitors what is true now; name the pages that do not, after some seconds.

    Without a record of what was deployed nobody knows the pages.
    """
    deadline = time.monotonic() + SEEN_SECONDS
    while True:
        wrong = _wrong(on)
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(POLL_SECONDS)


def _wrong(on: Site) -> list[str]:
    on.look_again()
    if on.last is None:
        return []
    paused, entrance = on.picture.queue.intake == MAINTENANCE, on.entrance(on.last.release)
    visits = status.visits(on.engine, nodes.observe(on.engine), entrance)
    return [
        f"{entrance.urls[visit.page]} through {visit.edge}"
        for visit in visits
        if visit.page == "vote" and visit.checked and visit.paused != paused
    ]
