"""Full strength: every node, every task, both clusters; what is missing has a name."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from deployment.configuration.layout import STACK
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.cluster.picture import Picture, Postgres, minute
from deployment.plan.cluster.topology import CLUSTERS, members
from deployment.plan.release.release import Release, replicas_variable
from deployment.plan.swarm.nodes import Node

# Of a certificate's life, at least this part must be left.
LEAST_PART = 6
# A worker commits every two seconds, whether there are votes or not.
STILL_SECONDS = 10
NO_STACK = "the stack: no service is deployed"
LEADER = "the Swarm's leader"
COSTS = {
    "vote": "nobody can vote",
    "result": "nobody sees the results",
    "worker": "votes wait in the queue",
}
RECORD = "a record of what was deployed (run `up`: it deploys, and keeps one)"
OBSERVER = "an answer of this node's observer (a drained node has none: ask another manager)"


def missing(
    nodes: Sequence[Node],
    services: Sequence[ServiceState],
    picture: Picture,
    changed: Mapping[str, str],
) -> list[str]:
    """Name all that full strength lacks: nodes that carry something, tasks, and members of both clusters.

    `changed` says how services differ from what was deployed, by name.
    """
    if not services:
        return [NO_STACK]
    ours = [node for node in nodes if node.labels or node.manager]
    away = [f"{node.name} {node.state}" for node in ours if not node.ready]
    short = {s.name: f"{s.name} {s.running}/{s.desired}" for s in services if s.running != s.desired}
    # A service is named once: as it was changed, or else with the count, or else as a member of its cluster.
    named = short | dict(changed)
    absent = [name for name in clusters_missing(picture) if name not in named]
    untold = [*poll_untold(picture), *accounts_untold(picture)]
    return [*away, *named.values(), *absent, *untold, *unstored(services, picture)]


def poll_untold(picture: Picture) -> list[str]:
    """Say so while the primary of the queue does not know what the database says of the poll."""
    poll = picture.poll
    return (
        [f"the queue's word of poll {poll.number}, which is {poll.state}"] if poll and not poll.told else []
    )


def accounts_untold(picture: Picture) -> list[str]:
    """Say so while the primary of the database has not given the accounts the passwords that it knows.

    Before it has, no password of before may be forgotten.
    """
    primary = picture.postgres.primary
    waits = primary and not picture.postgres.established
    return [f"today's passwords of the database's accounts ({primary} sets them)"] if waits else []


def unanswered(picture: Picture, *, has_intake: bool, has_workers: bool) -> list[str]:
    """Name what has not answered the observer: without it nobody knows whether votes are taken and kept.

    A release of before has no intake. The accounts are kept by workers; to judge them can take longer than
    anybody waits.
    """
    untold = has_workers and picture.keeps_accounts and picture.accounts is None
    return [
        *(["an answer of the queue"] if has_intake and picture.queue.intake is None else []),
        *(["an answer of the database"] if picture.votes.stored is None else []),
        *(["the accounts of acknowledged votes"] if untold else []),
    ]


def unstored(services: Sequence[ServiceState], picture: Picture) -> list[str]:
    """Say so where workers are wanted and none has been able to commit lately."""
    pulse = picture.votes.pulse
    wanted = any(state.name == "worker" and state.desired for state in services)
    if not wanted or pulse is None or (pulse.age is not None and pulse.age < STILL_SECONDS):
        return []
    since = "never yet" if pulse.age is None else f"not for {pulse.age:.0f} s"
    return [f"a worker that can store votes ({since}: look at `python3 deploy.py logs worker`)"]


def idle(release: Release) -> dict[str, str]:
    """Name the services that a release gives no task, and what that means for people."""
    lines = {name: f"{name} is scaled to 0 on purpose: {cost}" for name, cost in COSTS.items()}
    return {name: line for name, line in lines.items() if release.variables[replicas_variable(name)] == "0"}


def votes_lost(picture: Picture) -> list[str]:
    """Say so where votes that were acknowledged are neither stored nor on their way."""
    lost = picture.accounts.lost if picture.accounts else None
    return [f"{lost:,} acknowledged votes are lost (which: `python3 deploy.py audit`)"] if lost else []


def votes_unchecked(picture: Picture) -> list[str]:
    """Say so where nobody knows whether votes are lost, although the release keeps accounts."""
    known = picture.accounts and picture.accounts.lost is not None
    return ["whether acknowledged votes are lost"] if picture.keeps_accounts and not known else []


def certificate_missing(picture: Picture) -> list[str]:
    """Say so where the edges' certificate is missing or has less than a sixth of its life left.

    Renewal begins with a third left, so then it has failed for long.
    """
    found = picture.certificates
    if found is None or picture.at is None:
        return []
    names, why = ", ".join(found.names), f" ({found.problem})" if found.problem else ""
    if found.not_before is None or found.not_after is None:
        return [f"a certificate for {names}{why}"]
    begin, end = (datetime.fromisoformat(text).timestamp() for text in (found.not_before, found.not_after))
    if end - picture.at >= (end - begin) / LEAST_PART:
        return []
    verb = "ended" if end <= picture.at else "ends"
    return [f"a new certificate for {names}: the one that is shown {verb} {minute(found.not_after)}{why}"]


def certificate_warnings(picture: Picture) -> list[str]:
    """Say what may become a problem, while the certificate that is shown is still good."""
    found = picture.certificates
    if found is None:
        return []
    after = f"; next try {minute(found.next_try)}" if found.next_try else ""
    failed = [f"the last try to get a certificate failed: {found.problem}{after}"] if found.problem else []
    return [*failed, *([found.warning] if found.warning else [])]


def clusters_missing(picture: Picture) -> list[str]:
    """Name what both clusters lack; without a primary nobody can say who follows."""
    if picture.at is None:
        return [OBSERVER]
    absent = []
    for key, cluster in picture.clusters.items():
        there = {cluster.primary, *cluster.followers}
        lacking = [name for name in members(key) if name not in there]
        absent += lacking if cluster.primary else [f"{CLUSTERS[key]} primary"]
    if picture.postgres.primary and not picture.postgres.synchronous:
        absent.append("PostgreSQL synchronous standby")
    return absent


def damaged(postgres: Postgres) -> list[str]:
    """Say what to do about damaged pages; a standby that meets one is cloned anew without being asked."""
    return [
        f"{name} has read damaged pages and is the primary: `docker service update --force {STACK}_{name}` "
        "lets a standby take over, and clones it anew"
        for name in postgres.damaged
        if name == postgres.primary
    ]
