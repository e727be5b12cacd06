"""Certificates from an ACME server, on the stack that is up: waited for, and missed when none comes."""

from collections.abc import Iterator

import pytest

from deployment.configuration.settings import Settings
from deployment.engine.swarm import nodes
from deployment.errors import DeployError
from deployment.operations import up
from deployment.operations.steps import certificates
from deployment.progress import Progress
from kit.containers import docker
from kit.local import LocalStack, deploy, running
from kit.pebble import AcmeServer, DnsServer, acme_server, dns_server

HOSTS = ("vote.example.test", "result.example.test")
SOON_SECONDS = 20


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
def dns(address: str) -> Iterator[DnsServer]:
    with dns_server(address=address) as made:
        yield made


@pytest.fixture(scope="module")
def server(address: str, dns: DnsServer) -> Iterator[AcmeServer]:
    with acme_server(dns.address, address=address) as made:
        yield made


def settings(server: AcmeServer, dns: DnsServer) -> dict[str, str]:
    asked = ":".join(map(str, dns.server))
    return {"ACME_SERVER": server.directory, "ACME_CA_FILE": str(server.authorities), "ACME_DNS": asked}


def orders(server: AcmeServer) -> int:
    """Return how many certificates the server was asked for."""
    return docker("logs", server.container).count("Added order")


def test_without_a_certificate_the_former_release_comes_back(
    local: LocalStack, server: AcmeServer, dns: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that lead nowhere: `up` fails, says which, orders nothing, and the pages are where they were."""
    monkeypatch.setattr(certificates, "CERTIFICATE_SECONDS", SOON_SECONDS)
    for name, value in settings(server, dns).items():
        monkeypatch.setenv(name, value)
    chosen = Settings(domain="example.test", acme_email="somebody@example.test")
    with pytest.raises(DeployError, match="No page with a valid certificate") as failure:
        up.up(up.site(chosen, Progress(quiet=True), install_engine=False, start=False))
    assert "runs the former release" in failure.value.what
    assert all(f"{host} has neither an A nor an AAAA record" in failure.value.what for host in HOSTS)
    assert orders(server) == 0
    now = local.status()
    assert now["healthy"], now["missing"]
    assert not any(host in url for host in HOSTS for url in now["urls"].values())


def test_the_next_up_gets_certificates(
    local: LocalStack, server: AcmeServer, dns: DnsServer, address: str
) -> None:
    dns.lead_to(address)
    done = deploy(
        "--domain", "example.test", "--acme-email", "somebody@example.test", **settings(server, dns)
    )
    assert done.returncode == 0, done.stderr
    now = local.status()
    assert now["healthy"], now["missing"]
    assert set(now["urls"].values()) == {f"https://{host}/" for host in HOSTS}
    assert (now["certificates"]["issuer"], now["certificates"]["problem"]) == (server.directory, "")
    assert sorted(now["certificates"]["names"]) == sorted(HOSTS)
    assert orders(server) == 1
