"""The names of metrics: dashboards and alerts rely on them, so the documents list all that there are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.core import Metric

from observer import metrics as observing
from observer import swarm
from observer.changes import CLUSTERS
from observer.picture import summarize_backups, summarize_postgres, summarize_redis
from pgpool_leader import metrics as leading
from result import metrics as showing
from unit.pgpool_leader.test_metrics import ANSWER
from vote import cgroup_metrics
from vote.cgroup import Usage

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"
PICTURE = {
    "at": 0.0,
    "postgres": summarize_postgres({}),
    "redis": summarize_redis({}),
    "open_primaries": 0,
    "containers": {},
    "queue": {"pending": 0, "dead": 0, "oldest": None, "intake": "open", "waiting_seconds": 0.0},
    "votes": {"stored": 0, "tally": {"a": 0}},
    "poll": None,
    "certificates": None,
    "backups": summarize_backups({"postgres-1": {"archive": {}}}),
    "accounts": None,
}


def names(families: Iterable[Metric]) -> set[str]:
    """Return the names as Prometheus has them, those of a histogram's parts not among them."""
    return {f"{each.name}_total" if each.type == "counter" else each.name for each in families}


def test_the_documents_list_every_metric_and_no_other() -> None:
    for counting in ("vote.metrics", "worker.metrics", "prober.metrics"):
        import_module(counting)
    served = {
        *(name for name in names(REGISTRY.collect()) if name.startswith("vote_app_")),
        *names(showing.families(0, 0.0, 0.0)),
        *names(observing.families(PICTURE, {each.key: 0 for each in CLUSTERS}, 0.0)),
        *names(cgroup_metrics.families(Usage(1, 1, 1.0))),
        *names(leading.families(ANSWER)),
        *names(swarm.families([], [], [])),
    }
    listed = re.findall(r"^\|[^|]*\| `(vote_app_\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(served)
