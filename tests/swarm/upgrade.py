"""`python -m swarm.upgrade`: `up` of this checkout on a lab where another release runs, while votes come in.

Prints what the voters were told beside what the database holds. Exit codes: 0 nothing lost, nothing doubled;
1 the promise was broken, or `up` failed; 2 there is no lab.
"""

import sys

from deployment.configuration import settings
from deployment.engine.images import base
from deployment.engine.machine import engine
from deployment.engine.secrets import credentials
from deployment.errors import DeployError
from deployment.progress import Progress
from kit.waiting import wait_until
from swarm.cluster import UNREACHABLE, Cluster
from swarm.edges import Site
from swarm.gaps import longest_silence
from swarm.lab import power
from swarm.lab.lab import Lab, current
from swarm.ledger import Ballot, Ledger
from swarm.voters import Voters

VOTES_PER_SECOND = 60
WARM_UP_VOTES = 300
START_SECONDS = 240


def main() -> None:
    """Upgrade under load, and judge."""
    lab = current()
    if lab is None:
        print(
            "There is no lab. Bring one up from the checkout of the other release: python3 deploy.py lab up"
        )
        sys.exit(2)
    try:
        sys.exit(0 if _upgraded(lab, _vote_site(lab)) else 1)
    except DeployError as error:
        sys.exit(f"ERROR: {error}\n       {error.remedy}")


def _vote_site(lab: Lab) -> Site:
    """Return where these voters vote: they trust the authority that `up` would make from the beginning."""
    chosen = settings.load()
    found = credentials.observe(lab.manager, chosen.hosts, {})
    lacking = set(credentials.missing(found, {}))
    credentials.create(lab.manager, lacking & {credentials.AUTHORITY, credentials.AUTHORITY_KEY}, {})
    addresses = tuple(node.address for node in lab.nodes)
    return Site(chosen.hosts[0], chosen.https_port, addresses, lab.trust())


def _upgraded(lab: Lab, site: Site) -> bool:
    cluster, client, progress = Cluster(lab), engine.require(), Progress()
    power.hand_over_images(client, base.provide(client, progress), lab.nodes[0], progress)
    wait_until(lambda: _serves(cluster), START_SECONDS, lambda: "the clusters of the lab are not whole")
    cluster.drain()
    rows = sum(cluster.stored([]).counted.values())
    with Voters(site, per_second=VOTES_PER_SECOND) as voters:
        ledger = Ledger(voters.ballots, rows)
        voters.go()
        voters.wait_for_votes(WARM_UP_VOTES)
        power.deploy(lab)
        voters.wait_for_votes(WARM_UP_VOTES)
        voters.pause()
    cluster.wait_healthy()
    cluster.drain()
    promised = {ballot.voter for ballot in voters.ballots if ballot.acknowledged}
    verdict = ledger.close(voters.ballots, cluster.stored(promised))
    print(f"{_told(voters.ballots)}; {verdict.summary()}")
    return verdict.kept


def _serves(cluster: Cluster) -> bool:
    """Whether votes are taken and stored; a release of before kept no record to compare the rest with."""
    try:
        inside = cluster.picture()
    except UNREACHABLE:
        return False
    return bool(inside.redis.replicas) and inside.postgres.synchronous


def _told(ballots: list[Ballot]) -> str:
    answers = sorted(ballot.answered for ballot in ballots if ballot.acknowledged)
    gap = longest_silence(answers, since=answers[0], until=answers[-1])
    refused = sum(not ballot.acknowledged and not ballot.again for ballot in ballots)
    return f"{len(answers)} acknowledged, {refused} refused, longest gap {gap:.1f} s"


if __name__ == "__main__":
    main()
