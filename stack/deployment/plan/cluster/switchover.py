"""Which node may become the primary of a cluster, which one is best, and why none may."""

from collections.abc import Mapping

from deployment.errors import DeployError
from deployment.plan.cluster.picture import Postgres, Redis
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.topology import CLUSTERS, cluster_of, members

# More than this takes a follower a moment in which nothing is acknowledged or stored.
FAR_BEHIND_BYTES = 16 * 1024**2
AGAIN = "Nothing was changed. Run this again when `python3 deploy.py status` says healthy."


def heir(view: View, cluster: str, wanted: str = "") -> str:
    """Return the node that is to be primary: the one that is wanted, or the best.

    The best is on another node of the Swarm than the primary, and the least behind. Raises DeployError where
    a switchover would cost redundancy, or where a vote could be lost if one more machine failed meanwhile.
    """
    found = view.picture.clusters[cluster]
    if wanted and wanted not in members(cluster):
        known = ", ".join(members(cluster))
        raise DeployError(f"{wanted} is no node of {CLUSTERS[cluster]}.", f"Choose one of: {known}.")
    if wanted and found.primary == wanted:
        return wanted
    require_whole(view, cluster)
    if wanted:
        _require_near(found, wanted)
        return wanted
    best = min(found.followers, key=lambda name: _place(view, found, name))
    _require_near(found, best)
    return best


def require_whole(view: View, cluster: str) -> None:
    """Raise DeployError unless every member of a cluster is there."""
    if view.blind:
        raise DeployError("Nobody here can say how the clusters are: no observer answers.", AGAIN)
    if absent := lacking(view, cluster):
        raise DeployError(
            f"{CLUSTERS[cluster]} lacks {', '.join(absent)}: a switchover now would leave it with one copy "
            "less than it needs to survive a fault.",
            AGAIN,
        )


def lacking(view: View, cluster: str) -> list[str]:
    """Name the members of a cluster that are away; without a picture nobody can say that none is."""
    if view.blind:
        return ["an answer of the observer"]
    return sorted(name for name in view.absent() | view.out_of_reach() if _concerns(name, cluster))


def _concerns(name: str, cluster: str) -> bool:
    """Whether something that is missing is of a cluster: a service, or what the picture says in words."""
    return cluster_of(name) == cluster or name.startswith(CLUSTERS[cluster])


def _require_near(found: Postgres | Redis, name: str) -> None:
    lag = found.lag_bytes.get(name)
    if lag is None:
        raise DeployError(
            f"No switchover to {name}: nobody says how far it is behind {found.primary}.", AGAIN
        )
    if lag > FAR_BEHIND_BYTES:
        raise DeployError(
            f"No switchover to {name}: it is {lag:,} bytes behind {found.primary}, "
            f"and at most {FAR_BEHIND_BYTES:,} are allowed.",
            AGAIN,
        )


def _place(view: View, found: Postgres | Redis, name: str) -> tuple[bool, int, str]:
    """Return what is compared, least first."""
    on = _places(view)
    lag = found.lag_bytes.get(name)
    return on.get(name) == on.get(found.primary or ""), FAR_BEHIND_BYTES if lag is None else lag, name


def _places(view: View) -> Mapping[str, str]:
    """Return the ID of the node that each data node runs on."""
    return {s.name: s.nodes[0] for s in view.services if cluster_of(s.name) and s.nodes}
