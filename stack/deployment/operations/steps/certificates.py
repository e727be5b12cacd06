"""Valid certificates, whoever signs: nothing is up before every edge shows them."""

import time

from deployment.engine import observer, pages
from deployment.engine.machine.engine import Client
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner.site import Site
from deployment.plan.cluster.picture import minute
from deployment.plan.release.entrance import Entrance

CERTIFICATE_SECONDS = 120
# For each name a hook may take two minutes, and as long again until its record is seen.
HOOK_SECONDS = 600
USUAL = "a host name whose DNS record leads elsewhere, or port 80 that cannot be reached from outside"
HOOKED = "a hook that failed, or a DNS that did not show its record in time (ACME_DNS says who is asked)"
POLL_SECONDS = 1.0
ISSUER = "certificates"
SHOWN_LINES = 10


def wait(site: Site) -> None:
    """Wait until every edge that can be asked shows a valid certificate for each page.

    Raises DeployError with what the program said that gets them when none came in time.
    """
    release = site.require_wanted()
    entrance = site.entrance(release)
    # A release of before has no such service.
    environment = release.services.get(ISSUER, {}).get("environment", {})
    hooked = "ACME_DNS_HOOK" in environment
    seconds, causes = (HOOK_SECONDS, HOOKED) if hooked else (CERTIFICATE_SECONDS, USUAL)
    with site.progress.task("Waiting for valid certificates") as task:
        while lacking := _lacking(site, entrance):
            if task.seconds > seconds:
                raise _none_came(site.engine, seconds, causes, lacking)
            task.detail(_problem(site.engine) or lacking[0])
            time.sleep(POLL_SECONDS)


def _lacking(site: Site, entrance: Entrance) -> list[str]:
    visits = status.visits(site.engine, nodes.observe(site.engine), entrance)
    return pages.problems(entrance, [visit for visit in visits if not visit.certificate])


def _problem(client: Client) -> str:
    """Return why there is none, as the program that gets them keeps it in the database, and what it plans."""
    found = observer.observe(client).certificates
    if not (found and found.problem):
        return ""
    return found.problem + (f" (next try {minute(found.next_try)})" if found.next_try else "")


def _none_came(client: Client, seconds: int, causes: str, lacking: list[str]) -> DeployError:
    problem = _problem(client)
    return DeployError(
        f"No page with a valid certificate after {seconds} s: {problem or '; '.join(lacking)}",
        f"The last words of {ISSUER} are above (more: python3 deploy.py logs {ISSUER}). The usual causes: "
        f"{causes}. Mend the cause and run `up` again, after the time of the next try if one is named.",
        services.last_lines(client, ISSUER, SHOWN_LINES),
    )
