"""The way in, as a voter and an audience use it: HTTPS by host name, a vote, and the tally that moves."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio

from deployment.configuration.layout import LOCAL_CA_FILE, STACK
from deployment.configuration.settings import Settings
from kit.images import absent
from kit.local import LocalStack, running
from kit.waiting import wait_until

pytestmark = pytest.mark.usefixtures("local")

# A password has 43, a line of a key 64.
TELLING_LETTERS = 40
# It takes two on a machine that has nothing else to do, and six on one with twenty tasks for each core.
BACK_SECONDS = 45


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


@pytest.fixture(scope="module", autouse=True)
def _names_lead_here(chosen: Settings) -> Iterator[None]:
    """Resolve the stack's host names to this machine, as a browser resolves *.localhost."""
    resolve = socket.getaddrinfo

    def local(host: Any, *rest: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host in chosen.hosts else host, *rest, **options)

    socket.getaddrinfo = local
    yield
    socket.getaddrinfo = resolve


def trusting_session(authority: Path) -> requests.Session:
    """Return a session that trusts the stack's own authority, whatever the environment names."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(authority)
    return session


@pytest.fixture
def browser() -> requests.Session:
    return trusting_session(LOCAL_CA_FILE)


@pytest.fixture
def audience(chosen: Settings, browser: requests.Session) -> socketio.SimpleClient:
    with socketio.SimpleClient(http_session=browser) as client:
        client.connect(chosen.urls["result"], transports=["websocket"])
        yield client


def scores(audience: socketio.SimpleClient, timeout: float = 20.0) -> dict[str, int]:
    while True:
        name, *arguments = audience.receive(timeout=timeout)
        if name == "scores":
            return dict(arguments[0])


def test_a_vote_reaches_the_audience(
    chosen: Settings, browser: requests.Session, audience: socketio.SimpleClient
) -> None:
    before = scores(audience)
    answer = browser.post(chosen.urls["vote"], data={"vote": "a"})
    acknowledged = time.monotonic()
    assert answer.ok
    while scores(audience)["a"] <= before["a"]:
        pass
    print(f"from the answer to the screen: {time.monotonic() - acknowledged:.2f} s")


def test_plain_curl_can_vote(chosen: Settings) -> None:
    if not shutil.which("curl"):
        absent("no curl on this machine")
    host = chosen.vote_host
    port = chosen.https_port
    command = ["curl", "-sk", "--resolve", f"{host}:{port}:127.0.0.1", "-X", "POST", "-d", "vote=a"]
    status = [*command, "-o", "/dev/null", "-w", "%{http_code}", chosen.urls["vote"]]
    assert subprocess.run(status, capture_output=True, text=True, check=True).stdout == "200"


def test_http_is_redirected(chosen: Settings, browser: requests.Session) -> None:
    answer = browser.get(f"http://{chosen.vote_host}:{chosen.http_port}/", allow_redirects=False)
    assert answer.is_permanent_redirect
    assert answer.headers["Location"].rstrip("/") == chosen.urls["vote"].rstrip("/")


def test_the_cookie_is_safe_and_a_forged_one_is_replaced(chosen: Settings, browser: requests.Session) -> None:
    answer = browser.get(chosen.urls["vote"])
    given = answer.headers["Set-Cookie"]
    assert all(word in given for word in ("HttpOnly", "Secure", "SameSite=Lax", "Max-Age=31536000"))
    forged = trusting_session(LOCAL_CA_FILE).get(
        chosen.urls["vote"], headers={"Cookie": f"voter_id={'0' * 32}.x"}
    )
    assert forged.cookies["voter_id"].split(".")[0] != "0" * 32


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["origin", "fetch"],
)
def test_another_site_cannot_vote_for_you(
    chosen: Settings, browser: requests.Session, headers: dict[str, str]
) -> None:
    assert browser.post(chosen.urls["vote"], data={"vote": "a"}, headers=headers).status_code == 403


def test_an_unknown_option_is_refused(chosen: Settings, browser: requests.Session) -> None:
    assert browser.post(chosen.urls["vote"], data={"vote": "zebra"}).status_code == 400


def test_a_huge_body_is_refused(chosen: Settings, browser: requests.Session) -> None:
    assert browser.post(chosen.urls["vote"], data={"vote": "a" * 100_000}).status_code == 413


@pytest.mark.parametrize("size", [4095, 4096, 4097])
def test_a_body_about_as_large_as_the_limit_is_no_vote(
    chosen: Settings, browser: requests.Session, size: int
) -> None:
    body = {"vote": "a" * (size - len("vote="))}
    assert browser.post(chosen.urls["vote"], data=body).status_code in {400, 413}
    assert browser.post(chosen.urls["result"], data=body).status_code in {405, 413}


def test_a_body_in_broken_chunks_is_refused(chosen: Settings) -> None:
    for host in chosen.hosts:
        connection = http.client.HTTPSConnection(
            host, chosen.https_port, timeout=10, context=ssl.create_default_context(cafile=LOCAL_CA_FILE)
        )
        connection.request("POST", "/", b"zebra\r\n", {"Transfer-Encoding": "chunked"})
        assert connection.getresponse().status == 400


def test_only_certificates_that_browsers_trust_are_insisted_on(
    chosen: Settings, browser: requests.Session
) -> None:
    given = browser.get(chosen.urls["vote"]).headers
    assert ("Strict-Transport-Security" in given) is not chosen.local


def test_an_unknown_host_is_not_served(chosen: Settings, browser: requests.Session) -> None:
    browser.headers["Host"] = "elsewhere.example"
    assert browser.get(chosen.urls["vote"]).status_code == 404


def test_the_docker_api_is_read_only_and_partial(local: LocalStack) -> None:
    """From the edge's network, everything but the Swarm provider's own questions is refused."""
    proxy = local.container("docker-proxy")
    for request, expected in {
        "GET /v1.41/services": 200,
        "GET /v1.41/services?a=stranger": 403,
        "GET /_ping": 200,
        "POST /v1.41/services/create": 403,
        "GET /v1.41/secrets": 403,
        "GET /v1.41/containers/json": 403,
        "DELETE /v1.41/services/x": 403,
        "GET /v1.41/services/../secrets": 403,
    }.items():
        script = (
            "exec 3<>/dev/tcp/127.0.0.1/2375; "
            f"printf '{request} HTTP/1.0\\r\\nHost: docker\\r\\n\\r\\n' >&3; read -r line <&3; echo \"$line\""
        )
        command = ["docker", "exec", proxy, "bash", "-c", script]
        line = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert line.split()[1] == str(expected), request


def test_the_edge_hears_of_the_pages_alone(local: LocalStack) -> None:
    """Each other service would cost it, and the engine, a question every few seconds."""
    script = (
        "exec 3<>/dev/tcp/127.0.0.1/2375; printf 'GET /v1.41/services HTTP/1.0\\r\\n\\r\\n' >&3; "
        "sed '1,/^.$/d' <&3"
    )
    command = ["docker", "exec", local.container("docker-proxy"), "bash", "-c", script]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {each["Spec"]["Name"] for each in json.loads(said)} == {f"{STACK}_vote", f"{STACK}_result"}


def test_no_password_shows_in_docker_inspect(local: LocalStack) -> None:
    """Every secret is a file: none of the values may appear in any service or container."""
    values = set()
    for service in ("worker", "vote", "postgres-1", "redis-1", "redis-proxy", "pgpool"):
        command = ["docker", "exec", local.container(service), "sh", "-c", "cat /run/secrets/*; echo"]
        values |= set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n"))
    # The last line of a key may be a few letters, and each begins with the same words.
    telling = {value for value in values if len(value) >= TELLING_LETTERS and not value.startswith("-----")}
    assert len(telling) > len(values) / 2
    shown = str([c.attrs for c in local.client.containers.list(ignore_removed=True)])
    shown += str([s.attrs for s in local.client.services.list()])
    assert not [value for value in telling if value in shown]


def test_a_killed_edge_is_back_soon(chosen: Settings, browser: requests.Session, local: LocalStack) -> None:
    """Nobody else has the ports of this node: until then its visitors are refused."""
    page = chosen.urls["vote"]
    local.client.api.kill(local.container("traefik"), "SIGKILL")
    killed = time.monotonic()
    wait_until(lambda: not shows(browser, page))
    wait_until(lambda: shows(browser, page), BACK_SECONDS)
    print(f"refused for {time.monotonic() - killed:.1f} s")
    local.wait_healthy()


def shows(browser: requests.Session, page: str) -> bool:
    try:
        return browser.get(page, timeout=1, headers={"Connection": "close"}).ok
    except requests.RequestException:
        return False
