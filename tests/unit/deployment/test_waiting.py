"""`up` is not done before each page comes with a valid certificate, whoever signs."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker import DockerClient

from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.engine.pages import Visit
from deployment.engine.secrets import credentials
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner.site import Site
from deployment.operations.steps import certificates
from deployment.plan.cluster.picture import UNKNOWN, Certificates, Picture
from deployment.plan.release.release import Release
from deployment.progress import Progress

VARIABLES = {"VOTE_HOST": "vote.example.org", "RESULT_HOST": "result.example.org", "HTTPS_PORT": "443"}
NONE = Visit("node-1", "vote", "no valid certificate: self-signed certificate", certificate=False)
SILENT = Visit("node-1", "vote", "does not answer: Connection refused")
GOOD = Visit("node-1", "vote", certificate=True)
BUSY = Visit("node-1", "vote", "/readyz answers 503", certificate=True)
WRONG = "vote.example.org A 192.0.2.7 answers 404"


def wait(monkeypatch: pytest.MonkeyPatch, email: str, picture: Picture, *visits: Visit) -> None:
    """Wait for certificates while the page comes as the visits say, the last of them for ever."""
    release = Release(("stack.yaml",), {"stack.yaml": "services: {}"}, {**VARIABLES, "ACME_EMAIL": email})
    seen = list(visits)
    monkeypatch.setattr(certificates, "POLL_SECONDS", 0)
    monkeypatch.setattr(certificates, "CERTIFICATE_SECONDS", 0.2)
    monkeypatch.setattr(nodes, "observe", lambda client: [])
    monkeypatch.setattr(status, "visits", lambda *_: [seen.pop(0) if len(seen) > 1 else seen[0]])
    monkeypatch.setattr(observer, "observe", lambda client: picture)
    monkeypatch.setattr(credentials, "authority", lambda *_: "")
    monkeypatch.setattr(services, "last_lines", lambda _, name, number: [f"the log of {name}"])
    client = cast(DockerClient, SimpleNamespace())
    site = Site(Settings(), Progress(quiet=True), client, lambda _: release)
    vars(site)["specifications"] = []
    certificates.wait(site)
    assert len(seen) == 1, "it did not look as often as it had to"


@pytest.mark.parametrize("email", ["", "a@example.org"], ids=["local authority", "ACME"])
@pytest.mark.parametrize(
    "visits",
    [(GOOD,), (NONE, SILENT, NONE, GOOD), (BUSY,)],
    ids=["there already", "it comes", "the rest is waited for later"],
)
def test_it_ends_when_the_page_comes(
    monkeypatch: pytest.MonkeyPatch, email: str, visits: tuple[Visit, ...]
) -> None:
    wait(monkeypatch, email, UNKNOWN, *visits)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (UNKNOWN, "https://vote.example.org/ through node-1: no valid certificate"),
        (Picture(1.0, certificates=Certificates(problem=WRONG)), WRONG),
    ],
    ids=["the program has said nothing", "it says why"],
)
def test_it_gives_up_with_what_the_program_said(
    monkeypatch: pytest.MonkeyPatch, picture: Picture, said: str
) -> None:
    with pytest.raises(DeployError) as raised:
        wait(monkeypatch, "a@example.org", picture, NONE)
    error: Any = raised.value
    assert said in error.what
    assert list(error.evidence) == ["the log of certificates"]
