"""Certificates for servers inside, for all that connects or serves."""

from pathlib import Path

import pytest

from kit.inside import Inside


@pytest.fixture(scope="session")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    return Inside(tmp_path_factory.mktemp("inside") / "made", "postgres-1", "postgres-2", "pgpool")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """Return what another authority signed for the same names."""
    return Inside(tmp_path_factory.mktemp("stranger") / "made", "postgres-1", "postgres-2", "pgpool")


@pytest.fixture(scope="session")
def tls_environment(inside: Inside) -> dict[str, str]:
    """Return how a node is told to demand TLS."""
    return environment("verify-full", inside.authority, inside.file("postgres-1"))


def environment(mode: str, authority: Path, server: Path) -> dict[str, str]:
    return {"PGSSLMODE": mode, "PGSSLROOTCERT": str(authority), "SERVER_TLS_FILE": str(server)}
