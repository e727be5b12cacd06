"""`deploy.py scale`: another number of tasks, which the next `up` keeps."""

import re
from collections.abc import Mapping, Sequence

from deployment.configuration.settings import Settings
from deployment.errors import DeployError
from deployment.operations.release.back import WayBack
from deployment.operations.release.recorded import recorded
from deployment.operations.rollback import require_newest
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site
from deployment.operations.steps.checks import Deployed
from deployment.operations.steps.health import Health
from deployment.operations.steps.intake import Drain, Readable, Reopen
from deployment.operations.steps.record import Record
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.plan.release import rotation
from deployment.plan.release.release import Release, replicas_variable
from deployment.plan.swarm import capacity
from deployment.plan.swarm.capacity import SCALABLE
from deployment.progress import Progress

WANTED = re.compile(r"(?P<service>[a-z-]+)=(?P<replicas>\d{1,3})", re.ASCII)
MOST = 100


class Fits(Check):
    """The nodes have the memory that all limits together allow, or no more is wanted than before."""

    def require(self, site: Site) -> None:
        """Raise DeployError saying how much is too much."""
        now = site.last.release if site.last else None
        if problem := capacity.excess(site.require_wanted(), site.nodes, now):
            raise DeployError(
                f"That would not fit: {problem}. Nothing was changed.",
                "Choose fewer, or add a node. (`docker node ls` shows the nodes.)",
            )


class Settled(Check):
    """No change of a secret is under way: its services are replaced in another order than this."""

    def require(self, site: Site) -> None:
        """Raise DeployError naming what ends it."""
        if lines := rotation.unfinished(site.stages):
            what, _, command = lines[0].partition(": ")
            raise DeployError(
                f"{what[0].upper()}{what[1:]}. Nothing was changed.", f"Finish it first: {command}"
            )


# What runs may be what an `up` that was cut short has left: then this is a way to another release, too.
SCALE: Sequence[Step] = (
    *(Deployed(), Settled(), Fits(), Readable(), DataNodes()),
    *(Drain(), Deploy(), Reopen(), Health(), Reopen(), Record()),
)


def parsed(wanted: Sequence[str]) -> dict[str, int]:
    """Read words such as vote=5 as replicas by their variable; raise DeployError naming one that is none."""
    found: dict[str, int] = {}
    for word in wanted:
        match = WANTED.fullmatch(word)
        if not match or match["service"] not in SCALABLE or int(match["replicas"]) > MOST:
            raise DeployError(
                f"{word!r} is not a service and its number of containers, 0 to {MOST}.",
                f"Write e.g. `scale vote=5 result=3`. The services are: {', '.join(SCALABLE)}.",
            )
        found[replicas_variable(match["service"])] = int(match["replicas"])
    return found


def site(settings: Settings, progress: Progress, replicas: Mapping[str, int]) -> Site:
    """Return what `scale` works on; raise DeployError where no release is on record."""
    client, last = recorded(settings, progress)

    def goal(on: Site) -> Release:
        require_newest(on, last)
        return last.release.scaled(replicas)

    words = (f"{name.removesuffix('_REPLICAS').lower()}={n}" for name, n in replicas.items())
    return Site(
        settings, progress, client, goal, verb=f"scale {' '.join(words)}", names=last.release.hosts,
        source=last.source, scaled={**last.scaled, **replicas},
    )  # fmt: skip


def scale(on: Site) -> None:
    """Change the number of tasks, or leave it as it was if they do not come up."""
    busy = operation.run(SCALE, on, WayBack())
    on.progress.say("Done: the next `up` keeps it." if busy else "Nothing to do: so many run already.")
