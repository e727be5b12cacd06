"""`up` is not done before each page comes with a certificate, whatever the edge does meanwhile."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine.pages import Visit
from deployment.engine.swarm import credentials, nodes, services
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner.site import Site
from deployment.operations.steps import acme
from deployment.plan.cluster.convergence import ServiceState
from deployment.plan.release.release import Release
from deployment.progress import Progress

RELEASE = Release(
    ("stack.yaml",),
    {"stack.yaml": "services: {}"},
    {
        "VOTE_HOST": "vote.example.org",
        "RESULT_HOST": "result.example.org",
        "HTTPS_PORT": "443",
        "ACME_EMAIL": "a@example.org",
    },
)
NONE = Visit("node-1", "vote", "no valid certificate: self-signed certificate", certificate=False)
SILENT = Visit("node-1", "vote", "does not answer: Connection refused")
GOOD = Visit("node-1", "vote", certificate=True)
BUSY = Visit("node-1", "vote", "/readyz answers 503", certificate=True)
DEPLOYED, BEFORE, AFTER = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"


class Edge:
    """The engine, as far as the edge is concerned: when its task was made, and how often it was restarted."""

    def __init__(self, created: str) -> None:
        self.restarts = 0
        self.api = SimpleNamespace(tasks=lambda filters: [{"CreatedAt": created}])
        self.services = SimpleNamespace(list=lambda filters: [self])

    def force_update(self) -> None:
        self.restarts += 1


def wait(monkeypatch: pytest.MonkeyPatch, created: str, *visits: Visit) -> Edge:
    """Wait for certificates while the page comes as the visits say, the last of them for ever."""
    edge, seen = Edge(created), list(visits)
    monkeypatch.setattr(acme, "POLL_SECONDS", 0)
    monkeypatch.setattr(acme, "CERTIFICATE_SECONDS", 0.2)
    monkeypatch.setattr(nodes, "observe", lambda client: [])
    monkeypatch.setattr(status, "visits", lambda *_: [seen.pop(0) if len(seen) > 1 else seen[0]])
    monkeypatch.setattr(credentials, "authority", lambda *_: "")
    monkeypatch.setattr(services, "states", lambda *_, **__: [ServiceState("traefik", 1, 1)])
    monkeypatch.setattr(services, "last_lines", lambda *_: ["acme: error: 403", "something else"])
    client = cast(DockerClient, edge)
    acme.wait_for_certificates(
        Site(Settings(), Progress(quiet=True), client, lambda _: RELEASE, since=DEPLOYED)
    )
    assert len(seen) == 1, "it did not look as often as it had to"
    return edge


@pytest.mark.parametrize(
    ("created", "visits", "restarts"),
    [
        (BEFORE, (GOOD,), 0),
        (AFTER, (NONE, NONE, GOOD), 0),
        (BEFORE, (NONE, SILENT, NONE, GOOD), 1),
        (BEFORE, (SILENT, SILENT, GOOD), 0),
        (BEFORE, (BUSY,), 0),
    ],
    ids=[
        "there already",
        "a new edge asks by itself",
        "an old one is asked anew",
        "it does not answer yet",
        "the rest is waited for later",
    ],
)
def test_it_ends_when_the_page_comes(
    monkeypatch: pytest.MonkeyPatch, created: str, visits: tuple[Visit, ...], restarts: int
) -> None:
    assert wait(monkeypatch, created, *visits).restarts == restarts


@pytest.mark.parametrize("visits", [(NONE,), (NONE, SILENT)], ids=["no certificate", "gone after a restart"])
def test_it_gives_up_with_what_traefik_said(
    monkeypatch: pytest.MonkeyPatch, visits: tuple[Visit, ...]
) -> None:
    with pytest.raises(DeployError, match=r"vote\.example\.org") as raised:
        wait(monkeypatch, BEFORE, *visits)
    error: Any = raised.value
    assert list(error.evidence) == ["acme: error: 403"]
