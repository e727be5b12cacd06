"""The vote page as visitors reach it through HAProxy in front of the edge, trusted or not."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from typing import NamedTuple

import pytest
import requests

from kit.containers import docker, joined, own_network
from kit.edge import HOSTS, HTTP_PORT, PORT, starting_edge
from kit.images import reference
from kit.proxy import proxy
from kit.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

VOTE = HOSTS[0]
BURST = 4
REPLICAS = 60  # a voter a minute is let in by this one
# Ports of HAProxy, by how it hands on: it ends TLS, and speaks HTTP or HTTPS with the edge; or it passes
# connections on, and says by the PROXY protocol whose they are.
WAYS = {"http": 9001, "https": 9002, "send-proxy": 9003, "send-proxy-v2": 9004}
CONFIG = f"""
frontend ends-tls
  mode http
  bind :{WAYS["http"]} ssl crt /etc/haproxy/own.pem alpn h2,http/1.1
  bind :{WAYS["https"]} ssl crt /etc/haproxy/own.pem alpn h2,http/1.1
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  use_backend https if {{ dst_port {WAYS["https"]} }}
  default_backend http
backend http
  mode http
  server edge edge:{HTTP_PORT}
backend https
  mode http
  server edge edge:{PORT} ssl verify none sni req.hdr(host),field(1,:)
listen send-proxy
  mode tcp
  bind :{WAYS["send-proxy"]}
  server edge edge:{PORT} send-proxy
listen send-proxy-v2
  mode tcp
  bind :{WAYS["send-proxy-v2"]}
  server edge edge:{PORT} send-proxy-v2
"""
# Asks so many times without a cookie, each time as somebody else; says the answers' status and headers.
VISIT = """
import http.client, json, ssl, sys
proxy, port, times, host = sys.argv[1:]
answers = []
for number in range(int(times)):
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(proxy, int(port), timeout=10, context=context)
    claims = {"Host": host, "X-Forwarded-For": f"192.0.2.{number}", "X-Real-Ip": f"192.0.2.{number}"}
    connection.request("GET", "/", headers=claims)
    answer = connection.getresponse()
    answers.append([answer.status, answer.headers["Set-Cookie"] or ""])
print(json.dumps(answers))
"""
ROOM = {
    "NEW_VOTERS_PER_SECOND": "1",
    "NEW_VOTERS_BURST": str(BURST * REPLICAS),
    "VOTE_REPLICAS": str(REPLICAS),
    # Any file that its user can read will do.
    "REDIS_TLS": "no",
    "REDIS_PASSWORD_FILE": "/etc/hostname",
    "COOKIE_KEY_FILE": "/etc/hostname",
}


class Site(NamedTuple):
    """Addresses of two proxies, of which the edge and `vote` trust one, and the names of two visitors."""

    trusted: str
    stranger: str
    visitors: tuple[str, str]


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    """Make a network of its own."""
    with own_network("test-proxied") as name:
        yield name


@pytest.fixture(scope="module")
def beyond(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run an edge, two proxies before it, and two visitors, each with an address of its own."""
    folder, idle = tmp_path_factory.mktemp("proxy"), ("--entrypoint", "sleep", reference("worker"), "600")
    with ExitStack() as running:
        trusted, stranger = (running.enter_context(proxy(network, folder, CONFIG)) for _ in range(2))
        one, other = (running.enter_context(joined(network, *idle)) for _ in range(2))
        settings = {"TRUSTED_PROXIES": f"{trusted}/32"}
        running.enter_context(starting_edge(network, tmp_path_factory.mktemp("edge"), **settings))
        yield Site(trusted, stranger, (one, other))


@pytest.fixture
def site(network: str, beyond: Site) -> Iterator[Site]:
    """Run a `vote` that has counted nobody yet."""
    given = ROOM | {"TRUSTED_PROXIES": f"{beyond.trusted}/32"}
    environment = [part for key, value in given.items() for part in ("--env", f"{key}={value}")]
    with joined(network, "--network-alias", "vote", *environment, reference("vote")):
        proxies = (beyond.trusted, beyond.stranger)
        wait_until(lambda: all(leads_on(proxy, way) for proxy, way in product(proxies, WAYS)))
        yield beyond


def visit(visitor: str, proxy: str, way: str, times: int) -> list[tuple[int, str]]:
    """Ask for the vote page as a new voter each time; return the status and the cookie of each answer."""
    arguments = (proxy, str(WAYS[way]), str(times), f"{VOTE}:{WAYS[way]}")
    return [
        (status, cookie)
        for status, cookie in json.loads(docker("exec", visitor, "python", "-c", VISIT, *arguments))
    ]


def statuses(answers: list[tuple[int, str]]) -> list[int]:
    return [status for status, _ in answers]


def leads_on(proxy: str, way: str) -> bool:
    """Say whether a proxy has found the edge; what asks for a service's health is no new voter."""
    url = f"https://{proxy}:{WAYS[way]}/healthz"
    try:
        answer = requests.get(url, headers={"Host": VOTE}, verify=False, timeout=5, allow_redirects=False)
    except requests.ConnectionError:
        return False
    return answer.status_code in (200, 301)


@pytest.mark.parametrize("way", WAYS)
def test_a_trusted_proxy_tells_whose_a_request_is(site: Site, way: str) -> None:
    """Each visitor has the room of one address, whatever they claim themselves; their cookie is for HTTPS."""
    one, other = site.visitors
    let_in, refused = visit(one, site.trusted, way, BURST), visit(one, site.trusted, way, 2)
    assert statuses(let_in) == [200] * BURST
    assert all("; Secure" in cookie for _, cookie in let_in)
    assert statuses(refused) == [429, 429]
    assert statuses(visit(other, site.trusted, way, 1)) == [200]


@pytest.mark.parametrize("way", ["https", "send-proxy", "send-proxy-v2"])
def test_what_another_proxy_says_is_not_believed(site: Site, way: str) -> None:
    """All who come through it have the room of one address together: its own."""
    one, other = site.visitors
    assert statuses(visit(one, site.stranger, way, BURST)) == [200] * BURST
    assert statuses(visit(other, site.stranger, way, 1)) == [429]


def test_another_proxy_cannot_say_that_somebody_came_by_https(site: Site) -> None:
    assert statuses(visit(site.visitors[0], site.stranger, "http", 1)) == [301]
