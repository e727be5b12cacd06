"""Certificates from an ACME server: nothing is up before every edge shows them."""

import time

from deployment.configuration.layout import STACK
from deployment.engine import pages
from deployment.engine.machine.engine import Client
from deployment.engine.pages import Visit
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner.site import Site
from deployment.plan.release.entrance import Entrance

CERTIFICATE_SECONDS = 120
# One edge after the other.
RESTART_SECONDS = 600
POLL_SECONDS = 1.0
EDGE = "traefik"
# What Traefik says of its dealings with the ACME server.
TELLING = ("unable to", "acme:")
LOG_LINES, SHOWN_LINES = 1000, 5


def wait_for_certificates(site: Site) -> None:
    """Wait until every edge that can be asked shows a valid certificate for each page.

    Traefik asks for one when it starts and when a host is new: an edge older than this deployment that
    lacks one is started anew. Raises DeployError with what Traefik said when none came in time.
    """
    entrance = site.entrance(site.require_wanted())
    if entrance.local:
        return
    if any(v.certificate is False for v in _visits(site, entrance)) and _edge_is_older(site):
        site.progress.say("  Asking the ACME server once more: starting the edge anew")
        services.restart(site.engine, EDGE)
        _wait_for_restart(site)
    with site.progress.task("Waiting for certificates from the ACME server") as task:
        while lacking := pages.problems(entrance, [v for v in _visits(site, entrance) if not v.certificate]):
            if task.seconds > CERTIFICATE_SECONDS:
                raise _none_came(site.engine, lacking)
            task.detail(lacking[0])
            time.sleep(POLL_SECONDS)


def _wait_for_restart(site: Site) -> None:
    """Wait until the edge runs again, one node after the other."""
    with site.progress.task(f"Updating {EDGE}") as task:
        while not next(s for s in services.states(site.engine, since=site.since) if s.name == EDGE).converged:
            if task.seconds > RESTART_SECONDS:
                raise _none_came(site.engine, [f"the edge does not run again after {task.seconds:.0f} s"])
            time.sleep(POLL_SECONDS)


def _visits(site: Site, entrance: Entrance) -> list[Visit]:
    return status.visits(site.engine, nodes.observe(site.engine), entrance)


def _edge_is_older(site: Site) -> bool:
    tasks = site.engine.api.tasks(filters={"service": f"{STACK}_{EDGE}", "desired-state": "running"})
    return all(str(task["CreatedAt"]) < site.since for task in tasks)


def _none_came(client: Client, lacking: list[str]) -> DeployError:
    log = services.last_lines(client, EDGE, LOG_LINES)
    said = [line for line in log if any(word in line.lower() for word in TELLING)][-SHOWN_LINES:]
    return DeployError(
        f"No page with a valid certificate after {CERTIFICATE_SECONDS} s: {'; '.join(lacking)}",
        "Traefik's last words on it are above (more: python3 deploy.py logs traefik). The usual causes: a "
        "host name whose DNS record leads elsewhere, or port 80 that cannot be reached from outside. "
        "Mend the cause and run `up` again, which asks once more.",
        said or ["(Traefik's log says nothing of certificates)"],
    )
