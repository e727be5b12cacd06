"""Certificates from an ACME server: nothing is up before every edge shows them."""

import time

import docker

from deployment import convergence, nodes, pages, status
from deployment.errors import DeployError
from deployment.layout import STACK
from deployment.pages import Site, Visit
from deployment.progress import Progress

CERTIFICATE_SECONDS = 120
# One edge after the other.
RESTART_SECONDS = 600
POLL_SECONDS = 1.0
EDGE = "traefik"
# What Traefik says of its dealings with the ACME server.
TELLING = ("unable to", "acme:")
LOG_LINES, SHOWN_LINES = 1000, 5


def wait_for_certificates(client: docker.DockerClient, site: Site, progress: Progress, *, since: str) -> None:
    """Wait until every edge that can be asked shows a valid certificate for each page.

    Traefik asks for one when it starts and when a host is new: an edge older than `since` (RFC 3339) that
    lacks one is started anew. Raises DeployError with what Traefik said when none came in time.
    """
    if site.local:
        return
    if any(visit.certificate is False for visit in _visits(client, site)) and _edge_is_older(client, since):
        progress.say("  Asking the ACME server once more: starting the edge anew")
        client.services.list(filters={"name": f"{STACK}_{EDGE}"})[0].force_update()
        convergence.wait(client, progress, since=since, timeout=RESTART_SECONDS)
    with progress.task("Waiting for certificates from the ACME server") as task:
        while lacking := pages.problems(site, [v for v in _visits(client, site) if not v.certificate]):
            if task.seconds > CERTIFICATE_SECONDS:
                raise _none_came(client, lacking)
            task.detail(lacking[0])
            time.sleep(POLL_SECONDS)


def _visits(client: docker.DockerClient, site: Site) -> list[Visit]:
    return status.visits(client, nodes.observe(client), site)


def _edge_is_older(client: docker.DockerClient, since: str) -> bool:
    tasks = client.api.tasks(filters={"service": f"{STACK}_{EDGE}", "desired-state": "running"})
    return all(str(task["CreatedAt"]) < since for task in tasks)


def _none_came(client: docker.DockerClient, lacking: list[str]) -> DeployError:
    log = convergence.last_lines(client, EDGE, LOG_LINES)
    said = [line for line in log if any(word in line.lower() for word in TELLING)][-SHOWN_LINES:]
    return DeployError(
        f"No page with a valid certificate after {CERTIFICATE_SECONDS} s: {'; '.join(lacking)}",
        "Traefik's last words on it are above (more: python3 deploy.py logs traefik). The usual causes: a "
        "host name whose DNS record leads elsewhere, or port 80 that cannot be reached from outside. The "
        "stack runs; mend the cause and run `up` again, which asks once more.",
        said or ["(Traefik's log says nothing of certificates)"],
    )
