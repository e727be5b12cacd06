"""Valid certificates, whoever signs: nothing is up before every edge shows them."""

import time

from deployment.engine import observer, pages
from deployment.engine.machine.engine import Client
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner.site import Site

CERTIFICATE_SECONDS = 120
POLL_SECONDS = 1.0
ISSUER = "certificates"
SHOWN_LINES = 10


def wait(site: Site) -> None:
    """Wait until every edge that can be asked shows a valid certificate for each page.

    Raises DeployError with what the program said that gets them when none came in time.
    """
    release = site.require_wanted()
    entrance = site.entrance(release)
    with site.progress.task("Waiting for valid certificates") as task:
        while lacking := pages.problems(
            entrance,
            [
                v
                for v in status.visits(site.engine, nodes.observe(site.engine), entrance)
                if not v.certificate
            ],
        ):
            if task.seconds > CERTIFICATE_SECONDS:
                raise _none_came(site.engine, lacking)
            task.detail(_problem(site.engine) or lacking[0])
            time.sleep(POLL_SECONDS)


def _problem(client: Client) -> str:
    """Return why there is none, as the program that gets them keeps it in the database."""
    found = observer.observe(client).certificates
    return found.problem if found else ""


def _none_came(client: Client, lacking: list[str]) -> DeployError:
    problem = _problem(client)
    return DeployError(
        f"No page with a valid certificate after {CERTIFICATE_SECONDS} s: {problem or '; '.join(lacking)}",
        f"The last words of {ISSUER} are above (more: python3 deploy.py logs {ISSUER}). The usual causes: a "
        "host name whose DNS record leads elsewhere, or port 80 that cannot be reached from outside. "
        "Mend the cause and run `up` again.",
        services.last_lines(client, ISSUER, SHOWN_LINES),
    )
