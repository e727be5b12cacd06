"""Which services hold data, and what others reach them by: said here and nowhere else."""

from collections.abc import Iterable

from deployment.configuration.layout import SLOT_LABELS

# Kinds of data nodes in the order of their update, and the cluster that each belongs to.
KINDS = {"sentinel": "redis", "redis": "redis", "postgres": "postgres"}
# How people call a cluster.
CLUSTERS = {"postgres": "PostgreSQL", "redis": "Redis"}
SLOTS = range(1, len(SLOT_LABELS) + 1)
# What others reach the data by, and visitors the pages: updated before those that need them.
PROXIES = ("redis-proxy", "pgpool", "certificates", "traefik")
# Which of them stand before a cluster.
BEFORE = {"redis-proxy": "redis", "pgpool": "postgres"}
OBSERVER = "observer"


def cluster_of(service: str) -> str:
    """Return the cluster that a data node belongs to; the empty string for every other service."""
    kind, _, number = service.rpartition("-")
    return KINDS.get(kind, "") if number.isdigit() else ""


def members(cluster: str) -> list[str]:
    """Return the data nodes that replicate in a cluster."""
    return [f"{cluster}-{slot}" for slot in SLOTS]


def belonging(slots: Iterable[int]) -> list[str]:
    """Return the data nodes that belong to slots."""
    return [f"{kind}-{slot}" for slot in slots for kind in KINDS]


def served_by(service: str) -> str:
    """Return the cluster that clients reach by a service, be it a node or a proxy; else the empty string."""
    return cluster_of(service) or BEFORE.get(service, "")


def one_at_a_time(service: str) -> bool:
    """Whether a service is updated by itself, before all those that are updated together."""
    return bool(cluster_of(service)) or service in PROXIES
