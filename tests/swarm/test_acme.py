"""Certificates from an ACME server, on the stack that is up: waited for, and missed when none comes."""

import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import urllib3
from urllib3 import HTTPSConnectionPool

from deployment.configuration.settings import Settings
from deployment.engine.swarm import nodes
from deployment.errors import DeployError
from deployment.operations import up
from deployment.operations.steps import certificates
from deployment.progress import Progress
from kit.containers import docker
from kit.local import LATE_ANSWER_SECONDS, LocalStack, deploy
from kit.pebble import AcmeServer, DnsServer, acme_server, dns_server

HOSTS = ("vote.example.test", "result.example.test")
DASHBOARD = "traefik.example.test"
PASSWORD = "admin:a word of passage"
# As `htpasswd -nB admin` prints it.
ACCOUNT = "admin:$2y$05$vZDUhAC9vJZYQsWnQDC1G.43HYbVA93WJxeMTxt5T7o3ivoHi0GrO\n"
SOON_SECONDS = 10


@pytest.fixture(scope="module")
def local(borrowed: LocalStack) -> LocalStack:
    return borrowed


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


def shown(server: AcmeServer, port: int, account: str) -> int:
    """Ask for Traefik's dashboard with a name and a password; return the answer's status."""
    trust = ssl.create_default_context(cafile=str(server.authorities))
    headers = urllib3.make_headers(basic_auth=account) if account else {}
    with HTTPSConnectionPool("127.0.0.1", port, ssl_context=trust, server_hostname=DASHBOARD) as edge:
        return edge.request("GET", "/dashboard/", headers={"Host": DASHBOARD, **headers}).status


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
    now = local.wait_healthy(LATE_ANSWER_SECONDS)
    assert not any(host in url for host in HOSTS for url in now["urls"].values())


def test_the_next_up_gets_certificates(
    local: LocalStack, server: AcmeServer, dns: DnsServer, address: str, chosen: Settings, tmp_path: Path
) -> None:
    dns.lead_to(address)
    (tmp_path / "users").write_text(ACCOUNT)
    dashboard = {"DASHBOARD_HOST": DASHBOARD, "DASHBOARD_USERS_FILE": str(tmp_path / "users")}
    flags = ("--domain", "example.test", "--acme-email", "somebody@example.test")
    done = deploy(*flags, **settings(server, dns), **dashboard)
    assert done.returncode == 0, done.stderr
    assert f"https://{DASHBOARD}/dashboard/" in done.stderr
    now = local.wait_healthy(LATE_ANSWER_SECONDS)
    assert set(now["urls"].values()) == {f"https://{host}/" for host in HOSTS}
    assert (now["certificates"]["issuer"], now["certificates"]["problem"]) == (server.directory, "")
    assert sorted(now["certificates"]["names"]) == sorted((*HOSTS, DASHBOARD))
    end = datetime.fromisoformat(now["certificates"]["not_after"])
    assert {datetime.fromisoformat(page["until"]) for page in now["pages"]} == {end}
    assert orders(server) == 1
    accounts = ("", "admin:wrong", PASSWORD)
    assert [shown(server, chosen.https_port, account) for account in accounts] == [401, 401, 200]
