"""Waiting until every service runs what it was handed, with all its tasks healthy."""

import time
from collections.abc import Callable, Iterable, Sequence

from deployment.engine.swarm import nodes, services, stack
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.plan.cluster import convergence
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.swarm import weaknesses
from deployment.progress import Progress

POLL_SECONDS = 1.0


def wait(site: Site) -> None:
    """Wait until every service has converged; raise DeployError with the last words of one that will not."""
    homeless_since = 0.0
    second_try = SecondTry(lambda name: _deploy(site, name), site.progress)
    with site.progress.task("Waiting for every service to run and be healthy") as task:
        while waiting := unfinished(site):
            homeless_since = homeless_since if all(s.homeless for s in waiting) else task.seconds
            site.turn()
            if second_try.given(waiting):
                continue
            if reason := convergence.hopeless(waiting, task.seconds - homeless_since, task.seconds):
                raise _gave_up(site, waiting, reason)
            task.detail("waiting for " + ", ".join(f"{s.name} {s.running}/{s.desired}" for s in waiting))
            time.sleep(POLL_SECONDS)


def unfinished(site: Site) -> list[ServiceState]:
    """Return the services that have not converged since the verb began."""
    return [s for s in services.states(site.engine, since=site.since) if not s.converged]


class SecondTry:
    """Deploys a service once more whose tasks failed for nothing but a machine that was busy."""

    def __init__(self, deploy: Callable[[str], object], progress: Progress) -> None:
        self._deploy = deploy
        self._progress = progress
        self._given: set[str] = set()

    def given(self, states: Iterable[ServiceState]) -> bool:
        """Give it to each that failed so and has not had it; say whether there was any."""
        names = [state.name for state in states if state.busy and state.name not in self._given]
        for name in names:
            self._progress.say(
                f"    Deploying {name} again: the engine could not start it ({convergence.BUSY})"
            )
            self._given.add(name)
            self._deploy(name)
        return bool(names)


def _deploy(site: Site, name: str) -> None:
    wanted = site.require_wanted()
    stack.deploy_service(site.engine, wanted, name, registry_auth=wanted.pulled)


def _gave_up(site: Site, waiting: Sequence[ServiceState], reason: str) -> DeployError:
    failed = next((state for state in waiting if state.failure), waiting[0])
    hint = weaknesses.ports(nodes.observe(site.engine))
    return DeployError(
        reason,
        f"Its last words are above; more: python3 deploy.py logs {failed.name}. "
        f"Mend the cause and run the same command again. {hint}".rstrip(),
        services.last_words(site.engine, failed.name, site.since),
    )
