"""Whether visitors find the pages: their names, and the certificate that the edges show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployment.plan.cluster.picture import minute
from deployment.plan.doctor.finding import Finding, Severity, ok, unknown

DAY_SECONDS = 86_400
SOON_DAYS, LAST_DAYS = 14, 3


def names(found: Mapping[str, Sequence[str] | None], edges: Sequence[str]) -> list[Finding]:
    """Judge where this machine's resolver says that the pages are; None where it does not answer.

    The edges may be behind a router or a load balancer, which this machine knows nothing of.
    """
    return [_name(host, there, edges) for host, there in found.items()]


def _name(host: str, there: Sequence[str] | None, edges: Sequence[str]) -> Finding:
    name, where = f"dns.{host}", ", ".join(there or ())
    if host.endswith(".localhost"):
        return ok(name, f"{host} is this machine, in every browser.")
    if there is None:
        return unknown(
            name, f"The resolver of this machine does not answer for {host}.", f"getent hosts {host}"
        )
    if not there:
        return Finding(
            name,
            Severity.WARNING,
            f"There is no address for {host}.",
            "Nobody finds the page, and no certificate for it can be had.",
            f"set an A record for {host} to {' or '.join(edges) or 'an edge'}",
        )
    if set(there) & set(edges):
        return ok(name, f"{host} is at {where}.")
    return Finding(
        name,
        Severity.INFO,
        f"{host} is at {where}, which is no address of an edge ({', '.join(edges) or 'none is known'}).",
        "That is right behind a router or a load balancer; else nobody finds the page.",
        f"getent hosts {host}",
    )


@dataclass(frozen=True)
class Shown:
    """What was seen of an edge's certificate for one page, or why nothing was; the end is RFC 3339."""

    valid: bool | None
    until: str | None = None
    problem: str = ""


def certificates(shown: Mapping[str, Sequence[Shown]], now: datetime) -> list[Finding]:
    """Judge how long the edges' certificates last, by what each showed for each page."""
    return [_certificate(edge, seen, now) for edge, seen in shown.items()]


def _certificate(edge: str, shown: Sequence[Shown], now: datetime) -> Finding:
    name, logs = f"certificate.{edge}", "python3 deploy.py logs certificates"
    ends = [one.until for one in shown if one.until]
    if any(one.valid is False for one in shown):
        return Finding(
            name,
            Severity.CRITICAL,
            f"{edge} shows no certificate that this machine trusts.",
            "Browsers warn, and most people turn back.",
            logs,
        )
    if not ends:
        return _unseen(name, edge, shown)
    end = min(ends, key=datetime.fromisoformat)
    days = (datetime.fromisoformat(end) - now).total_seconds() / DAY_SECONDS
    if days > SOON_DAYS and len(ends) < len(shown):
        return _unseen(name, edge, shown)
    if days > SOON_DAYS:
        return ok(name, f"The certificate of {edge} lasts {days:.0f} more days.")
    return Finding(
        name,
        Severity.CRITICAL if days < LAST_DAYS else Severity.WARNING,
        f"The certificate of {edge} ends {minute(end)}, in {days:.0f} days.",
        "It is renewed with a third of its life left, so that has failed, unless its whole life is as short.",
        logs,
    )


def _unseen(name: str, edge: str, shown: Sequence[Shown]) -> Finding:
    problem = next((one.problem for one in shown if one.problem), "it showed none")
    return unknown(name, f"Nobody could see the certificate of {edge} for each page: {problem}.")
