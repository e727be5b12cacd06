"""One database cluster, whole before each test."""

from collections.abc import Iterator

import pytest

from kit.postgres_cluster import FIRST_BOOT_SECONDS, PostgresCluster, starting_cluster
from kit.waiting import wait_until


@pytest.fixture(scope="package")
def postgres_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """Start three database nodes and a pgpool for the tests of this folder: later ones need the machine."""
    with starting_cluster(tmp_path_factory.mktemp("postgres")) as cluster:
        yield cluster


@pytest.fixture
def whole(postgres_cluster: PostgresCluster) -> PostgresCluster:
    """Return the nodes when nothing is broken."""
    wait_until(postgres_cluster.serves, FIRST_BOOT_SECONDS, postgres_cluster.describe)
    return postgres_cluster
