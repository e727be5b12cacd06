"""What is printed of a fault that failed: what was done when, what was refused, how it looks now."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from deployment.configuration.layout import NAMESPACE
from swarm.cluster import UNREACHABLE, Cluster
from swarm.lab.lab import Node
from swarm.ledger import Ballot, Verdict
from swarm.outcome import Outcome

TELLING = ("observer", "redis", "sentinel", "postgres", "pgpool", "certificates", "traefik")
LOG_LINES = 8
LONGEST_LINE = 500
EXAMPLES = 12


def line(outcome: Outcome) -> str:
    """Say in one line what a fault cost."""
    return (
        f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.fault}: {outcome.acknowledged} acknowledged, "
        f"lost {outcome.lost}, doubled {outcome.doubled}, refused {outcome.refused}; "
        f"no acknowledgement {outcome.unavailable_s:.1f} s, results still {outcome.stale_s:.1f} s, "
        f"full strength after {outcome.recovery_s:.1f} s"
    )


def timeline(notes: Iterable[tuple[float, str]], since: float) -> list[str]:
    """Say what was done how many seconds after the fault."""
    return [f"{moment - since:8.1f} s  {what}" for moment, what in notes]


def gaps(moments: Iterable[float], what: str, *, since: float, longer_than: float) -> list[tuple[float, str]]:
    """Note each time without something that was longer than usual."""
    times = sorted(moment for moment in moments if moment > since)
    pairs = pairwise([since, *times])
    return [(a, f"{what} for {b - a:.1f} s from here") for a, b in pairs if b - a > longer_than]


def refused(ballots: Iterable[Ballot], since: float) -> list[str]:
    """Count the votes that were refused, by what their voters met and at which edge, and say when."""
    met: dict[tuple[str, str], list[Ballot]] = defaultdict(list)
    for ballot in ballots:
        if not ballot.acknowledged and ballot.answered >= since:
            met[ballot.problem + ", sent again" * ballot.again, ballot.edge].append(ballot)
    return [
        f"{len(missed)} times {problem} at {edge or 'no edge'}, "
        f"sent {_span(b.sent - since for b in missed)}, waited {_span(b.answered - b.sent for b in missed)}"
        for (problem, edge), missed in sorted(met.items(), key=lambda item: -len(item[1]))
    ]


def _span(times: Iterable[float]) -> str:
    ordered = sorted(times)
    return f"{ordered[0]:.1f} to {ordered[-1]:.1f} s"


def broken(verdict: Verdict, ballots: Sequence[Ballot], since: float) -> list[str]:
    """Say whose vote is not as it was promised, and when it was promised."""
    suspects = [*verdict.lost, *verdict.stale][:EXAMPLES]
    found = [ballot for ballot in ballots if ballot.voter in suspects]
    lines = [
        f"{b.sent - since:8.1f} s to {b.answered - since:.1f} s  {b.voter} chose {b.choice} at {b.edge}: "
        f"{b.problem or 'acknowledged'}"
        for b in found
    ]
    return [verdict.summary(), *lines]


def logs(cluster: Cluster, since: float) -> list[str]:
    """Return the last lines since the fault of every container that may say why."""
    began = int(time.time() - (time.monotonic() - since))
    lines = []
    for node in cluster.living:
        try:
            for container in _telling(node):
                text = node.client.api.logs(container["Id"], since=began, tail=LOG_LINES)
                if told := text.decode(errors="replace").splitlines():
                    lines += [f"--- {_name(container)} on {node.name}: {container['Status']}"]
                    lines += [line[:LONGEST_LINE] for line in told]
        except UNREACHABLE as error:
            lines.append(f"--- {node.name}: {error}")
    return lines


def _telling(node: Node) -> list[dict[str, Any]]:
    found = node.client.api.containers(all=True, filters={"label": NAMESPACE})
    return sorted((one for one in found if _name(one).startswith(TELLING)), key=_name)


def _name(container: dict[str, Any]) -> str:
    return str(container["Names"][0]).partition("_")[2]
