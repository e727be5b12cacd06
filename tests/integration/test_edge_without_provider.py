"""Where the edge leads while it knows of no task: it has just started, or nobody can list them."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from images import reference
from integration.containers import docker
from integration.edge import HOSTS, running_edge
from integration.services import eventually

SERVICES = ("vote", "result")
SERVE = "echo told by {0} > /tmp/maintenance && exec python -m http.server --directory /tmp 8080"


@pytest.fixture
def network() -> Iterator[str]:
    name = f"test-edge-{uuid4().hex[:8]}"
    docker("network", "create", name)
    yield name
    docker("network", "rm", name)


@pytest.fixture
def replicas(network: str) -> Iterator[list[str]]:
    """Run something that answers HTTP under each service's name."""
    started = [f"{network}-{service}" for service in SERVICES]
    for container, service in zip(started, SERVICES, strict=True):
        docker(
            *("run", "--detach", "--name", container, "--network", network, "--network-alias", service),
            *("--entrypoint", "bash", reference("worker"), "-c", SERVE.format(service)),
        )
    yield started
    docker("rm", "--force", *started)


@pytest.fixture
def edge(network: str, replicas: list[str], tmp_path: Path) -> Iterator[str]:
    """Run Traefik with the stack's dynamic configuration and no other provider; return its address."""
    with running_edge(network, tmp_path) as found:
        eventually(lambda: ask(found, "elsewhere.example") == 404)
        yield found


def ask(edge: str, host: str) -> int:
    """Return the status of the page of a host; 0 where nobody listens."""
    try:
        return get(edge, host).status_code
    except requests.ConnectionError:
        return 0


def get(edge: str, host: str) -> requests.Response:
    return requests.get(f"https://{edge}:8443/", headers={"Host": host}, verify=False, timeout=10)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_each_host_leads_to_whatever_has_the_name_of_its_service(edge: str, replicas: list[str]) -> None:
    eventually(lambda: [ask(edge, host) for host in HOSTS] == [200, 200])
    docker("rm", "--force", *replicas)
    assert [ask(edge, host) for host in HOSTS] == [502, 502]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("missing", [0, 1])
def test_where_a_service_runs_nowhere_the_other_says_so(edge: str, replicas: list[str], missing: int) -> None:
    eventually(lambda: [ask(edge, host) for host in HOSTS] == [200, 200])
    docker("rm", "--force", replicas[missing])
    answer = get(edge, HOSTS[missing])
    assert (answer.status_code, answer.text) == (502, f"told by {SERVICES[1 - missing]}\n")
