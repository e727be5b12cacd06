"""All that was deployed runs, both clusters replicate, and a visitor gets both pages."""

import time

from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner.site import Site
from deployment.operations.steps import certificates, convergence
from deployment.plan.swarm import weaknesses

FULL_STRENGTH_SECONDS = 300
POLL_SECONDS = 2.0


class Health:
    """The stack is at full strength, as far as it can be asked for."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Name what full strength lacks."""
        if not site.handed or site.wanted is None:
            return []  # a dry run: the step before says it
        lacking = [f"{s.name} {s.running}/{s.desired}" for s in convergence.unfinished(site)]
        lacking = lacking or status.missing(site.engine, site.wanted, site.entrance(site.wanted))
        return [f"wait for full strength; missing now: {', '.join(lacking)}"] if lacking else []

    def do(self, site: Site) -> None:
        """Wait for it; raise DeployError with the last log lines of what does not come."""
        if convergence.unfinished(site):
            convergence.wait(site)
        certificates.wait(site)
        _replicate(site)


def _replicate(site: Site) -> None:
    """Wait until both clusters are whole and both pages answer."""
    wanted, entrance = site.require_wanted(), site.entrance(site.require_wanted())
    with site.progress.task("Waiting for both clusters to replicate and both pages to answer") as task:
        while lacking := status.missing(site.engine, wanted, entrance):
            detail = "missing: " + ", ".join(lacking)
            if task.seconds > FULL_STRENGTH_SECONDS:
                raise DeployError(
                    f"The stack is not at full strength after {task.seconds:.0f} s: {detail}",
                    "Look at `python3 deploy.py status` and `python3 deploy.py logs postgres-1` "
                    f"(or redis-1, sentinel-1). {weaknesses.ports(nodes.observe(site.engine))}".rstrip(),
                    _last_words(site, lacking),
                )
            task.detail(detail)
            time.sleep(POLL_SECONDS)


def _last_words(site: Site, lacking: list[str]) -> list[str]:
    """Return the last words of the services that are named among what is missing."""
    named = [name for name in sorted(site.handed) if any(name in line.split()[:1] for line in lacking)]
    return [line for name in named for line in services.last_words(site.engine, name, site.since)]
