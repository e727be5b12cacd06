"""Certificates from an ACME server, on the stack that is up: waited for, and missed when none comes."""

from collections.abc import Iterator

import pytest

from deployment.configuration.settings import Settings
from deployment.engine.swarm import nodes
from deployment.errors import DeployError
from deployment.operations import up
from deployment.operations.steps import certificates
from deployment.progress import Progress
from kit.local import LocalStack, deploy, running
from swarm.pebble import AcmeServer, acme_server, dns

HOSTS = ("vote.example.test", "result.example.test")
SOON_SECONDS = 10


@pytest.fixture(scope="module")
def local() -> Iterator[LocalStack]:
    """The stack that is up here; afterwards it is what it was before."""
    found = running()
    yield found
    deploy()
    found.wait_healthy()


@pytest.fixture(scope="module")
def address(local: LocalStack) -> str:
    """Where the stack's containers reach this machine."""
    return nodes.observe(local.client)[0].address


@pytest.fixture(scope="module")
def server(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AcmeServer]:
    with acme_server(address, tmp_path_factory.mktemp("pebble")) as made:
        yield made


def settings(server: AcmeServer) -> dict[str, str]:
    return {"ACME_SERVER": server.directory, "ACME_CA_FILE": str(server.authorities)}


def test_without_a_certificate_the_former_release_comes_back(
    local: LocalStack, server: AcmeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads nowhere: `up` fails, says what Traefik said, and the pages are where they were."""
    monkeypatch.setattr(certificates, "CERTIFICATE_SECONDS", SOON_SECONDS)
    for name, value in settings(server).items():
        monkeypatch.setenv(name, value)
    chosen = Settings(domain="example.test", acme_email="somebody@example.test")
    with pytest.raises(DeployError, match="No page with a valid certificate") as failure:
        up.up(up.site(chosen, Progress(quiet=True), install_engine=False, start=False))
    assert "runs the former release" in failure.value.what
    assert any("unable to generate a certificate" in line.lower() for line in failure.value.evidence)
    now = local.status()
    assert now["healthy"], now["missing"]
    assert not any(host in url for host in HOSTS for url in now["urls"].values())


def test_the_next_up_gets_certificates(local: LocalStack, server: AcmeServer, address: str) -> None:
    with dns(address):
        done = deploy("--domain", "example.test", "--acme-email", "somebody@example.test", **settings(server))
    assert done.returncode == 0, done.stderr
    now = local.status()
    assert now["healthy"], now["missing"]
    assert set(now["urls"].values()) == {f"https://{host}/" for host in HOSTS}
