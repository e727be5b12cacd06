"""Where the edge leads while it knows of no task: it has just started, or nobody can list them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests

from kit.containers import docker, own_network
from kit.edge import HOSTS, lets_in, running_edge, starting_edge
from kit.images import reference
from kit.waiting import wait_until

SERVICES = ("vote", "result")
AT_ONCE = 8
# The engine asks the machine's name servers for a name that nobody has: slow ones outlast the edge's waiting.
NOWHERE = {502, 504}
ALONE_SECONDS = 3  # Traefik itself starts in less than one
# Answers nobody before all are there.
MEETING = f"""
import http.server, threading
everyone = threading.Barrier({AT_ONCE})
class Meeting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        try:
            everyone.wait(5)
        except threading.BrokenBarrierError:
            everyone.reset()
            return self.send_error(503)
        self.send_response(204)
        self.end_headers()
http.server.ThreadingHTTPServer(("", 8080), Meeting).serve_forever()
"""
ESTABLISHED = "01"
SERVE = "echo told by {0} > /tmp/maintenance && exec python -m http.server --directory /tmp 8080"


@pytest.fixture
def network() -> Iterator[str]:
    with own_network("test-edge") as name:
        yield name


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
        wait_until(lambda: ask(found, "elsewhere.example") == 404)
        yield found


@pytest.fixture
def meeting(network: str) -> Iterator[str]:
    """Run something that answers as many requests as come together; return its container."""
    container = f"{network}-meeting"
    docker(
        *("run", "--detach", "--name", container, "--network", network, "--network-alias", "vote"),
        *("--entrypoint", "python", reference("worker"), "-c", MEETING),
    )
    yield container
    docker("rm", "--force", container)


def ask(edge: str, host: str) -> int:
    """Return the status of the page of a host; 0 where nobody listens."""
    try:
        return get(edge, host).status_code
    except requests.ConnectionError:
        return 0


def get(edge: str, host: str, path: str = "/") -> requests.Response:
    return requests.get(f"https://{edge}:8443{path}", headers={"Host": host}, verify=False, timeout=10)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_each_host_leads_to_whatever_has_the_name_of_its_service(edge: str, replicas: list[str]) -> None:
    wait_until(lambda: [ask(edge, host) for host in HOSTS] == [200, 200])
    docker("rm", "--force", *replicas)
    assert {ask(edge, host) for host in HOSTS} <= NOWHERE


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("missing", [0, 1])
def test_where_a_service_runs_nowhere_the_other_says_so(edge: str, replicas: list[str], missing: int) -> None:
    wait_until(lambda: [ask(edge, host) for host in HOSTS] == [200, 200])
    docker("rm", "--force", replicas[missing])
    answer = get(edge, HOSTS[missing])
    assert answer.status_code in NOWHERE
    assert answer.text == f"told by {SERVICES[1 - missing]}\n"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_each_path_of_the_one_host_leads_in_the_same_way(
    network: str, replicas: list[str], tmp_path: Path
) -> None:
    one, paths = HOSTS[0], [f"/{service}/" for service in SERVICES]
    with running_edge(network, tmp_path, ROUTING="path", VOTE_HOST=one, RESULT_HOST=one) as edge:
        wait_until(lambda: [get(edge, one, path).status_code for path in paths] == [200, 200])
        docker("rm", "--force", replicas[0])
        answer = get(edge, one, paths[0])
        assert answer.status_code in NOWHERE
        assert answer.text == f"told by {SERVICES[1]}\n"
        assert get(edge, one, paths[1]).status_code == 200


def test_nobody_is_let_in_before_a_service_has_a_name(
    network: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with starting_edge(network, tmp_path) as edge:
        alone = time.monotonic() + ALONE_SECONDS
        while time.monotonic() < alone:
            assert not lets_in(edge)
            time.sleep(0.1)
        request.getfixturevalue("replicas")
        wait_until(lambda: lets_in(edge))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_connections_to_a_replica_are_kept(network: str, meeting: str, tmp_path: Path) -> None:
    with running_edge(network, tmp_path) as edge, ThreadPoolExecutor(AT_ONCE) as crowd:
        together = [HOSTS[0]] * AT_ONCE
        wait_until(lambda: list(crowd.map(partial(ask, edge), together)) == [204] * AT_ONCE)
        kept = peers(meeting)
        assert len(kept) == AT_ONCE
        assert list(crowd.map(partial(ask, edge), together)) == [204] * AT_ONCE
        assert peers(meeting) == kept


def peers(container: str) -> set[str]:
    """Return who is connected with port 8080 of a container, as proc(5) writes addresses."""
    lines = docker("exec", container, "cat", "/proc/net/tcp").splitlines()[1:]
    found = [line.split()[1:4] for line in lines]
    return {peer for own, peer, state in found if own.endswith(f":{8080:04X}") and state == ESTABLISHED}
