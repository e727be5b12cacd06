"""The nodes of the Swarm, who commands them, and what was deployed when."""

from collections.abc import Sequence
from datetime import datetime

from deployment.plan.doctor.finding import Finding, Severity, ok, unknown
from deployment.plan.release.history import Deployment
from deployment.plan.swarm.nodes import Node

GIB = 1 << 30
OLD_DAYS = 90
MUCH = 10 * GIB
DAY_SECONDS = 86_400
NO_SWARM = Finding(
    "swarm", Severity.INFO, "This engine is in no Swarm yet.", "`up` makes one.", "python3 deploy.py up"
)
NO_LEADER = Finding(
    "swarm",
    Severity.CRITICAL,
    "The Swarm has no leader.",
    "It repairs nothing and takes no command. Of the nodes, this machine alone was looked at.",
    "start the other managers again; if they are gone for good, see docs/operations.md",
)


def nodes(found: Sequence[Node]) -> list[Finding]:
    """Judge each node that carries something of the stack, or commands."""
    return [_node(each) for each in found]


def _node(node: Node) -> Finding:
    name, carries = f"nodes.{node.name}", bool(node.labels) or node.manager
    if node.ready and node.availability == "active":
        return ok(name, f"{node.name} is ready.")
    if not node.ready:
        return Finding(
            name,
            Severity.WARNING if carries else Severity.INFO,
            f"{node.name} is {node.state}.",
            "What belongs there does not run." if carries else "Nothing belongs there.",
            f"start it again, or if it is gone for good: {_farewell(node)}",
        )
    return Finding(
        name,
        Severity.WARNING if carries else Severity.INFO,
        f"{node.name} is on {node.availability}.",
        "What belongs there does not run, and nothing new is started there.",
        f"python3 deploy.py nodes activate {node.name}",
    )


def _farewell(node: Node) -> str:
    """Return how to give up a node that will not come back; for its data another one must be made ready."""
    if node.slots:
        return f"python3 deploy.py nodes replace {node.name} NEW, see docs/nodes.md"
    demote = f"docker node demote {node.id}; " if node.manager else ""
    return f"{demote}docker node rm --force {node.id}; python3 deploy.py up"


def managers(found: Sequence[Node]) -> Finding:
    """Judge how many managers may be lost."""
    all_of_them = [node for node in found if node.manager]
    away = [node.name for node in all_of_them if not node.ready]
    count = len(all_of_them)
    if away and count - len(away) <= count // 2 + 1:
        return Finding(
            "managers",
            Severity.CRITICAL,
            f"{', '.join(away)} of {count} managers {'is' if len(away) == 1 else 'are'} away.",
            "If one more is lost, the Swarm repairs nothing and takes no command.",
            "start it again, or see docs/runbooks/NodeAway.md",
        )
    if count % 2 == 0:
        return Finding(
            "managers",
            Severity.WARNING,
            f"There are {count} managers, an even number.",
            f"They survive the loss of {(count - 1) // 2}, as {count - 1} do: one more can only fail.",
            "docker node promote NODE, or docker node demote NODE",
        )
    if count == 1 and len(found) > 1:
        return Finding(
            "managers",
            Severity.WARNING,
            f"Of {len(found)} nodes one is a manager.",
            "While it is away the Swarm repairs nothing and takes no command.",
            "docker node promote NODE",
        )
    return ok("managers", f"{count} manager{'s' if count > 1 else ''}.")


def last_up(kept: Sequence[Deployment], now: datetime) -> Finding:
    """Judge how long ago anything was deployed."""
    if not kept:
        return Finding(
            "up",
            Severity.INFO,
            "Nothing was deployed yet.",
            "The stack does not run.",
            "python3 deploy.py up",
        )
    days = (now - datetime.fromisoformat(kept[-1].at)).total_seconds() / DAY_SECONDS
    if days <= OLD_DAYS:
        return ok("up", f"Release {kept[-1].release.identity} was deployed {days:.0f} days ago.")
    return Finding(
        "up",
        Severity.WARNING,
        f"The last release was deployed {days:.0f} days ago.",
        "Its Debian packages have been without updates since.",
        "python3 deploy.py up --refresh",
    )


def images(unused: int | None) -> Finding:
    """Judge the bytes that images take which no container uses: `rollback` and `up` may need them."""
    if unused is None:
        return unknown("images", "The engine did not say what its images take.", "docker system df")
    said = f"Images that no container uses take {unused / GIB:.1f} GiB on this node"
    if unused < MUCH:
        return ok("images", f"{said}.")
    return Finding(
        "images",
        Severity.INFO,
        f"{said}.",
        "Some of them are what `rollback` and the next `up` need.",
        "docker image prune (without --all), see docs/runbooks/DiskFilling.md",
    )
