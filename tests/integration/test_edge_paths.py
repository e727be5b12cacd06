"""Both pages under paths: those of one host, those that a proxy in front takes off, both, and neither."""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from typing import Any, NamedTuple, cast
from urllib.parse import urljoin, urlsplit

import pytest
import requests
import socketio

from kit.containers import joined, own_network
from kit.edge import CHALLENGES, HTTP_PORT, PORT, starting_edge
from kit.images import reference
from kit.proxy import proxy
from kit.routes import PAGES, Routes, routes
from kit.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

OUTER = "/polls"
# Ports of HAProxy: it takes a path off; it takes none off; or it hands on what a browser says of one.
STRIPS, PLAIN, CREDULOUS = 9001, 9002, 9003
CONFIG = f"""
frontend visitors
  mode http
  option forwardfor
  bind :{STRIPS} ssl crt /etc/haproxy/own.pem
  bind :{PLAIN} ssl crt /etc/haproxy/own.pem
  bind :{CREDULOUS} ssl crt /etc/haproxy/own.pem
  http-request set-header X-Forwarded-Proto https
  use_backend strips if {{ dst_port {STRIPS} }}
  use_backend credulous if {{ dst_port {CREDULOUS} }}
  default_backend plain
backend strips
  mode http
  http-request set-header X-Forwarded-Prefix {OUTER}
  http-request replace-path ^{OUTER}(/.*) \\1
  server edge edge:{HTTP_PORT}
backend plain
  mode http
  http-request del-header X-Forwarded-Prefix
  server edge edge:{HTTP_PORT}
backend credulous
  mode http
  server edge edge:{HTTP_PORT}
"""
# Any file that its user can read will do.
FILES = dict.fromkeys(("REDIS_PASSWORD_FILE", "DATABASE_PASSWORD_FILE", "COOKIE_KEY_FILE"), "/etc/hostname")
SETTINGS = {"REDIS_TLS": "no", **FILES}
MALFORMED = ("//evil.example", "/a;Domain=evil.example", '/"><script>x</script>', "/a/../..", "evil")


class Site(NamedTuple):
    """Addresses of a proxy that is trusted and of the edge, and what the edge was told."""

    proxy: str
    edge: str
    told: Routes


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    """Run one replica of each page, without a queue and without a database."""
    environment = [part for key, value in SETTINGS.items() for part in ("--env", f"{key}={value}")]
    with own_network("test-paths") as name, ExitStack() as running:
        for page in PAGES:
            alias = ("--network-alias", page)
            running.enter_context(joined(name, *alias, *environment, reference(page)))
        yield name


@pytest.fixture(scope="module", params=["host", "path"])
def site(
    request: pytest.FixtureRequest, network: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Run an edge in one of both routings, and a proxy before it."""
    told, folder = routes(request.param, PORT), tmp_path_factory.mktemp("proxy")
    with ExitStack() as running:
        before = running.enter_context(proxy(network, folder, CONFIG))
        trusted = {"TRUSTED_PROXIES": f"{before}/32"}
        edge = running.enter_context(starting_edge(network, tmp_path_factory.mktemp("edge"), told, **trusted))
        found = Site(before, edge, told)
        running.enter_context(names_lead_to(found))
        wait_until(lambda: all(answers(url) for url in urls(found, PLAIN).values()))
        yield found


@contextmanager
def names_lead_to(site: Site) -> Iterator[None]:
    """Resolve the pages' hosts: at the edge's own ports to the edge, at all others to the proxy."""
    resolve, hosts = socket.getaddrinfo, {urlsplit(url).hostname for url in site.told.urls.values()}

    def lead(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        where = site.edge if port in (PORT, HTTP_PORT) else site.proxy
        return resolve(where if host in hosts else host, port, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lead)
        yield


def urls(site: Site, port: int) -> dict[str, str]:
    """Return where a visitor finds each page who comes to a port."""
    outer = OUTER if port == STRIPS else ""
    parts = {page: urlsplit(url) for page, url in site.told.urls.items()}
    return {page: f"https://{url.hostname}:{port}{outer}{url.path}" for page, url in parts.items()}


def visitor() -> requests.Session:
    session = requests.Session()
    session.verify, session.trust_env = False, False
    return session


def answers(url: str) -> bool:
    """Say whether a page is there; what asks for a service's health is no new voter."""
    try:
        return visitor().get(f"{url}healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def links(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]+)"', page)


def back(answer: requests.Response) -> str:
    """Return where the link of an error page leads."""
    found = re.search(r'class="back" href="([^"]+)"', answer.text)
    assert found, answer.text
    return str(urljoin(answer.url, found[1]))


def kept(session: requests.Session) -> list[tuple[str, str]]:
    """Return the cookies that a visitor has, each with its path."""
    return [(cookie.name, cookie.path) for cookie in cast("CookieJar", session.cookies)]


def directory(url: str) -> str:
    """Return the path of a page without the slash at its end."""
    return urlsplit(url).path.rstrip("/") or "/"


ways = pytest.mark.parametrize("port", [PORT, PLAIN, STRIPS], ids=["direct", "proxied", "stripped"])
each = pytest.mark.parametrize("page", PAGES)


@ways
@each
def test_all_that_a_page_refers_to_is_there(site: Site, page: str, port: int) -> None:
    url, session = urls(site, port)[page], visitor()
    shown = session.get(url)
    assert shown.status_code == 200
    assert shown.url == url
    assert len(links(shown.text)) >= 3
    for link in links(shown.text):
        found = session.get(urljoin(url, link), allow_redirects=False)
        # Nothing was counted yet: the service's own word for that, in JSON's place.
        assert found.status_code == (503 if "results." in link else 200), link
        assert found.status_code == 200 or back(found) == url


@ways
def test_a_voters_cookie_is_for_the_pages_path_and_comes_back(site: Site, port: int) -> None:
    url, session = urls(site, port)["vote"], visitor()
    session.get(url)
    assert kept(session) == [("voter_id", directory(url))]
    assert all(cookie.secure for cookie in cast("CookieJar", session.cookies))
    assert "Set-Cookie" not in session.get(url).headers


@ways
def test_a_viewer_is_led_to_one_replica_and_hears_it(site: Site, port: int) -> None:
    url = urls(site, port)["result"]
    path = urlsplit(url).path
    for transport in ("websocket", "polling"):
        session = visitor()
        session.get(url)
        assert kept(session) == [("result_replica", directory(url))]
        with socketio.SimpleClient(http_session=session) as client:
            client.connect(url, socketio_path=f"{path}socket.io", transports=[transport])
            assert client.receive(timeout=10)


@ways
@each
def test_redirects_and_pages_of_errors_lead_back(site: Site, page: str, port: int) -> None:
    url, session = urls(site, port)[page], visitor()
    moved = session.get(f"{url}static/%2Fpage.css", allow_redirects=False)
    assert moved.headers["Location"] == f"{url}static/page.css"
    nowhere = session.get(f"{url}nowhere")
    assert (nowhere.status_code, back(nowhere)) == (404, url)
    # The other service's page, in the name of the edge.
    too_large = session.post(url, b"x" * 5000)
    assert (too_large.status_code, back(too_large)) == (413, url)


@ways
@pytest.mark.parametrize("site", ["path"], indirect=True)
@pytest.mark.parametrize(
    ("asked", "page"),
    [("", "vote"), ("?x=y", "vote"), ("vote", "vote"), ("vote?x=y", "vote"), ("result", "result")],
)
def test_the_one_host_leads_to_its_pages(site: Site, asked: str, page: str, port: int) -> None:
    url = urls(site, port)[page]
    found = visitor().get(urljoin(url, "..") + asked)
    assert (found.status_code, found.url) == (200, url + asked.removeprefix(page))
    other = visitor().post(urljoin(url, "..") + asked, allow_redirects=False)
    assert other.status_code == 307


@ways
@pytest.mark.parametrize("site", ["path"], indirect=True)
@pytest.mark.parametrize("asked", ["nowhere", "votes", "results/", "static/page.css", "healthz"])
def test_what_else_the_one_host_is_asked_for_is_nowhere(site: Site, asked: str, port: int) -> None:
    root = urljoin(urls(site, port)["vote"], "..")
    answer = visitor().get(root + asked)
    assert (answer.status_code, back(answer)) == (404, root)
    assert "No such page" in answer.text
    assert visitor().post(root + asked, {"vote": "a"}).status_code == 404


@each
def test_http_leads_to_the_same_path_by_https_and_challenges_are_answered(site: Site, page: str) -> None:
    url = urls(site, PORT)[page]
    plain = url.replace("https:", "http:").replace(f":{PORT}", f":{HTTP_PORT}")
    moved = visitor().get(f"{plain}?x=y", allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (301, f"{url}?x=y")
    for asked in (plain, url):
        challenge = visitor().get(urljoin(asked, f"{CHALLENGES}a-token"), allow_redirects=False)
        assert (challenge.status_code, challenge.text) == (200, f"{CHALLENGES}a-token")


@pytest.mark.parametrize("name", ["X-Forwarded-Prefix", "X_Forwarded_Prefix"])
@pytest.mark.parametrize("port", [PORT, PLAIN, STRIPS], ids=["direct", "proxied", "stripped"])
def test_what_a_stranger_says_of_a_path_is_ignored(site: Site, port: int, name: str) -> None:
    url, said = urls(site, port)["vote"], {name: "/evil"}
    given = visitor().get(url, headers=said).headers["Set-Cookie"]
    assert f"Path={directory(url)};" in f"{given};"
    assert back(visitor().get(f"{url}nowhere", headers=said)) == url


@each
@pytest.mark.parametrize("said", MALFORMED)
def test_what_is_no_path_is_ignored_whoever_says_it(site: Site, page: str, said: str) -> None:
    url = urls(site, CREDULOUS)[page]
    answer = visitor().get(f"{url}nowhere", headers={"X-Forwarded-Prefix": said})
    assert urlsplit(back(answer))[:3] == (*urlsplit(url)[:2], "/")
    moved = visitor().get(
        f"{url}static/%2Fpage.css", headers={"X-Forwarded-Prefix": said}, allow_redirects=False
    )
    assert moved.headers["Location"] == urljoin(url, "/static/page.css")
    shown = visitor().get(url, headers={"X-Forwarded-Prefix": said})
    assert said not in shown.text + answer.text
    assert page == "result" or "; Path=/;" in f"{shown.headers['Set-Cookie']};"
