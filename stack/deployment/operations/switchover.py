"""`deploy.py switchover`: another node becomes the primary of a cluster, while people vote."""

import time

from deployment.engine import observer
from deployment.engine.swarm import errand, nodes, services
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.plan.cluster import switchover
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import CLUSTERS
from deployment.progress import Task

# The program starts, and asks; Sentinels learn of a preference within ten seconds.
ERRAND_SECONDS = 120
WHOLE_SECONDS = 180
# By then a picture shows no more what was before.
SEEN_SECONDS = 5.0
POLL_SECONDS = 0.5
PROGRAMS = {"postgres": "handover", "redis": "switchover"}


class Moved:
    """A node is the primary of its cluster, and all others follow it."""

    touches = False

    def __init__(self, cluster: str, heir: str) -> None:
        self.cluster, self.heir = cluster, heir

    def missing(self, site: Site) -> list[str]:
        """Say so; raise DeployError where it would cost more than a moment."""
        primary = site.picture.clusters[self.cluster].primary
        if primary == self.heir:
            return []
        switchover.heir(look(site), self.cluster, self.heir)
        return [f"make {self.heir} the primary of {CLUSTERS[self.cluster]} instead of {primary}"]

    def do(self, site: Site) -> None:
        """Let the cluster's own way of electing do it, and wait until it is whole; raise DeployError."""
        former = str(site.picture.clusters[self.cluster].primary)
        what = f"Making {self.heir} the primary of {CLUSTERS[self.cluster]} instead of {former}"
        with site.progress.task(what) as task:
            command = [PROGRAMS[self.cluster], former, self.heir]
            told = errand.run(site.engine, former, command, ERRAND_SECONDS)
            primary = self._settled(site, task, former, whole=told.succeeded)
            if primary != self.heir:
                raise _not_moved(self.heir, former, primary, told)

    def _settled(self, site: Site, task: Task, former: str, *, whole: bool) -> str:
        """Return the primary, once it is another, or a picture that is new enough shows the former one.

        Unless nothing was moved, everybody follows it by then. Raises DeployError if that takes too long.
        """
        began = observer.observe(site.engine).at
        started = task.seconds
        while True:
            site.turn()
            view = look(site)
            primary, at = view.picture.clusters[self.cluster].primary, view.picture.at
            began = at if began is None else began
            settled = primary != former or (at and began and at > began + SEEN_SECONDS)
            absent = switchover.lacking(view, self.cluster)
            if primary and settled and not (absent and (whole or primary != former)):
                return primary
            task.detail(f"missing: {', '.join(absent) or 'a new picture'}")
            if task.seconds > started + WHOLE_SECONDS:
                raise _not_whole(primary, absent)
            time.sleep(POLL_SECONDS)


def look(site: Site) -> View:
    """Return what the stack is like now."""
    client = site.engine
    return View(nodes.observe(client), services.states(client), observer.observe(client))


def step(site: Site, cluster: str, wanted: str = "") -> Moved:
    """Return the step that makes a node the primary, the best without one; raise DeployError."""
    return Moved(cluster, switchover.heir(look(site), cluster, wanted))


def _not_moved(heir: str, former: str, primary: str, told: errand.Result) -> DeployError:
    if primary != former:
        return DeployError(
            f"{primary} became the primary, not {heir}, which was too slow, or had less of the data.",
            "Nothing is lost by that. Run the same command again to move it on.",
            told.lines,
        )
    return DeployError(
        f"{heir} was not made the primary: {former} still is.",
        "The reason is above. What had begun may still end: look at `python3 deploy.py status` before you "
        "run this again. Where the reason is a release that knows no switchover, run `up` first.",
        told.lines,
    )


def _not_whole(primary: str | None, absent: list[str]) -> DeployError:
    return DeployError(
        f"The primary is {primary or 'not known'}, and {', '.join(absent)} does not come back.",
        "`python3 deploy.py status` says what is missing, and `logs` of that service why.",
    )
