"""Fixtures over the stack that `deploy.py up` brought up. It is real: faults really kill its containers."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployment import engine, settings
from deployment.settings import Settings
from images import absent
from swarm.cluster import Cluster

REPORTS = pytest.StashKey[list[dict[str, Any]]]()


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], None]:
    """Return a function that keeps one row of the table of faults."""
    return request.config.stash.setdefault(REPORTS, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of faults as Markdown."""
    if rows := config.stash.get(REPORTS, []):
        lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(v) for v in row.values()] for row in rows)]
        terminalreporter.section("faults under load")
        terminalreporter.write_line("\n".join(f"| {' | '.join(line)} |" for line in lines))


@pytest.fixture(scope="session")
def chosen() -> Settings:
    return settings.load()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    client = engine.connect()
    if client is None or not client.info()["Swarm"]["ControlAvailable"]:
        absent("no stack to test here: run `python3 deploy.py up` first")
    found = Cluster(client)
    found.wait_healthy()
    yield found
    found.forget_guests()


@pytest.fixture(scope="session", autouse=True)
def _names_lead_here(chosen: Settings) -> Iterator[None]:
    """Resolve the stack's host names to this machine, as a browser resolves *.localhost."""
    resolve = socket.getaddrinfo

    def local(host: Any, *rest: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host in chosen.hosts else host, *rest, **options)

    socket.getaddrinfo = local
    yield
    socket.getaddrinfo = resolve
