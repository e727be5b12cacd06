"""Traefik's dashboard: there on a host of its own alone, and for who has the password alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deployment.configuration import dashboard
from kit.containers import docker, joined, own_network
from kit.edge import HOSTS, HTTP_PORT, PORT, running_edge
from kit.images import reference
from kit.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

HOST = "dashboard.localhost"
ADMIN = ("admin", "a word of passage")
# As `htpasswd -nB admin` prints it.
ACCOUNT = "admin:$2y$05$vZDUhAC9vJZYQsWnQDC1G.43HYbVA93WJxeMTxt5T7o3ivoHi0GrO\n"
PATHS = ("/", "/dashboard/", "/api/overview", "/api/rawdata")
OTHERS = (*HOSTS, f"www.{HOST}", "localhost", "192.0.2.1")
BURST = 100
ASK_INSIDE = """
import http.client, sys
for path in sys.argv[1:]:
    connection = http.client.HTTPConnection("127.0.0.1", 8082, timeout=10)
    connection.request("GET", path)
    print(connection.getresponse().status)
"""


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    """Run a page under both services' names that knows none of the dashboard's paths."""
    page = ("--entrypoint", "python", reference("worker"), "-m", "http.server", "--directory", "/tmp", "8080")
    aliases = [part for alias in ("vote", "result") for part in ("--network-alias", alias)]
    with own_network("test-dashboard") as name, joined(name, *aliases, *page):
        yield name


@pytest.fixture(scope="module")
def edge(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an edge with the dashboard."""
    folder = tmp_path_factory.mktemp("edge")
    (folder / "dashboard_users").write_text(ACCOUNT)
    assert dashboard.accounts(str(folder / "dashboard_users"))
    with running_edge(network, folder, DASHBOARD_HOST=HOST) as found:
        wait_until(lambda: leads_on(found))
        yield found


def ask(
    edge: str, path: str, host: str = HOST, account: tuple[str, str] | None = None, http: bool = False
) -> requests.Response:
    url = f"http://{edge}:{HTTP_PORT}{path}" if http else f"https://{edge}:{PORT}{path}"
    headers = {"Host": host, "X-Forwarded-Proto": "https"}
    return requests.get(url, headers=headers, auth=account, verify=False, timeout=10, allow_redirects=False)


def leads_on(edge: str) -> bool:
    """Say whether an edge has read its configuration."""
    try:
        return ask(edge, "/", HOSTS[0]).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "account", [None, ("admin", "guessed"), ("root", ADMIN[1]), ("admin", ACCOUNT[6:-1])]
)
def test_without_the_password_it_says_nothing(edge: str, path: str, account: tuple[str, str] | None) -> None:
    answer = ask(edge, path, account=account)
    assert (answer.status_code, answer.text) == (401, "401 Unauthorized\n")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_with_the_password_it_is_there(edge: str) -> None:
    assert ask(edge, "/", account=ADMIN).headers["Location"] == "/dashboard/"
    page = ask(edge, "/dashboard/", account=ADMIN)
    assert page.ok
    assert "<title>Traefik" in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    assert ask(edge, "/api/overview", account=ADMIN).json()["features"]["accessLog"]


@pytest.mark.parametrize("path", PATHS[1:])
@pytest.mark.parametrize("host", OTHERS)
def test_it_is_on_no_other_host(edge: str, host: str, path: str) -> None:
    assert ask(edge, path, host, ADMIN).status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_over_http_it_only_leads_to_https(edge: str, path: str) -> None:
    answer = ask(edge, path, account=ADMIN, http=True)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{HOST}:{PORT}{path}")


def test_the_health_check_s_port_does_not_have_it(network: str, edge: str) -> None:
    """It hears whoever is in the container; so does what asks here."""
    container = docker("ps", "--quiet", "--filter", f"name={network}-edge")
    inside = ("run", "--rm", "--network", f"container:{container}", "--entrypoint", "python")
    told = docker(*inside, reference("worker"), "-c", ASK_INSIDE, "/ping", *PATHS)
    assert told.split() == ["200", *["404"] * len(PATHS)]


def test_guesses_are_bounded(edge: str) -> None:
    with requests.Session() as session:
        url, headers = f"https://{edge}:{PORT}/api/version", {"Host": HOST}
        guesses = (
            session.get(url, headers=headers, auth=("admin", str(number)), verify=False, timeout=10)
            for number in range(10 * BURST)
        )
        assert 429 in (guess.status_code for guess in guesses)
    assert ask(edge, "/", HOSTS[0]).ok


def test_without_the_setting_it_is_nowhere(network: str, tmp_path: Path) -> None:
    (tmp_path / "dashboard_users").write_text(ACCOUNT)
    with running_edge(network, tmp_path) as edge:
        wait_until(lambda: leads_on(edge))
        for path in PATHS[1:]:
            assert [ask(edge, path, host, ADMIN).status_code for host in (HOST, *OTHERS)] == [404] * 6
