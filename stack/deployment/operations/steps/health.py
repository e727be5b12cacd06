"""All that was deployed runs, both clusters replicate, and a visitor gets both pages."""

import time

from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import acme, status
from deployment.operations.site import Site
from deployment.plan import convergence, weaknesses

FULL_STRENGTH_SECONDS = 300
SERVICES_POLL_SECONDS = 1.0
POLL_SECONDS = 2.0


class Health:
    """The stack is at full strength, as far as it can be asked for."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Name what full strength lacks."""
        if not site.handed or site.wanted is None:
            return []  # a dry run: the step before says it
        lacking = status.missing(site.engine, site.require_wanted(), site.entrance(site.require_wanted()))
        return [f"wait for full strength; missing now: {', '.join(lacking)}"] if lacking else []

    def do(self, site: Site) -> None:
        """Wait for it; raise DeployError with the last log lines of what does not come."""
        _converge(site)
        acme.wait_for_certificates(site)
        _replicate(site)


def _converge(site: Site) -> None:
    """Wait until every service has all its tasks of the wanted release."""
    homeless_since = 0.0
    with site.progress.task("Waiting for every service to run and be healthy") as task:
        while waiting := [s for s in services.states(site.engine, since=site.since) if not s.converged]:
            homeless_since = homeless_since if all(s.homeless for s in waiting) else task.seconds
            if reason := convergence.hopeless(waiting, task.seconds - homeless_since, task.seconds):
                raise _gave_up(site, waiting, reason)
            task.detail("waiting for " + ", ".join(f"{s.name} {s.running}/{s.desired}" for s in waiting))
            time.sleep(SERVICES_POLL_SECONDS)


def _gave_up(site: Site, waiting: list[convergence.ServiceState], reason: str) -> DeployError:
    failed = next((state for state in waiting if state.failure), waiting[0])
    hint = weaknesses.ports(nodes.observe(site.engine))
    return DeployError(
        reason,
        f"Its last log lines are above; more: python3 deploy.py logs {failed.name}. "
        f"Mend the cause and run the same command again. {hint}".rstrip(),
        services.last_lines(site.engine, failed.name),
    )


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
                )
            task.detail(detail)
            time.sleep(POLL_SECONDS)
