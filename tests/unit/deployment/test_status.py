"""Healthy means full strength: every task, both clusters, all replicas."""

from typing import Any

import pytest

from deployment.convergence import ServiceState
from deployment.status import UNKNOWN, healthy

SERVICES = [ServiceState("vote", 2, 2), ServiceState("redis-1", 1, 1)]
INSIDE: dict[str, Any] = {
    "postgres": {"primary": "postgres-1", "standbys": ["postgres-2", "postgres-3"], "synchronous": True},
    "redis": {"primary": "redis-1", "replicas": ["redis-2", "redis-3"]},
}


def test_full_strength() -> None:
    assert healthy(SERVICES, INSIDE)


@pytest.mark.parametrize(
    ("services", "inside"),
    [
        pytest.param([], INSIDE, id="nothing deployed"),
        pytest.param([ServiceState("vote", 1, 2)], INSIDE, id="a task missing"),
        pytest.param(SERVICES, UNKNOWN, id="no worker to ask"),
        pytest.param(
            SERVICES, INSIDE | {"postgres": INSIDE["postgres"] | {"primary": None}}, id="no primary"
        ),
        pytest.param(
            SERVICES,
            INSIDE | {"postgres": INSIDE["postgres"] | {"standbys": ["postgres-2"]}},
            id="a standby missing",
        ),
        pytest.param(
            SERVICES, INSIDE | {"postgres": INSIDE["postgres"] | {"synchronous": False}}, id="not synchronous"
        ),
        pytest.param(SERVICES, INSIDE | {"redis": {"primary": None, "replicas": []}}, id="no Redis primary"),
        pytest.param(
            SERVICES,
            INSIDE | {"redis": {"primary": "redis-1", "replicas": ["redis-2"]}},
            id="a replica missing",
        ),
    ],
)
def test_anything_less(services: list[ServiceState], inside: dict[str, Any]) -> None:
    assert not healthy(services, inside)
