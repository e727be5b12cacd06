"""What the edge does with requests that no browser sends, and with those that a trusted proxy hands on."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kit.containers import docker, joined, own_network
from kit.edge import CHALLENGES, HEALTH_CHECK, HOSTS, HTTP_PORT, PORT, running_edge
from kit.images import reference
from kit.waiting import wait_until

VOTE, RESULT = HOSTS
LIMIT = 4096
# Room for so many; so many take nearly all of it, and stay; so many wait for the rest, cut off after 5 s.
OPEN_FILES, IDLE, WAITING = 100, 60, 400
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
# Says what it was sent; fails, or speaks as a WebSocket would, where it is asked to.
ECHO = """
import http.server
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/failure":
            return self.answer(500, b"a failure of its own")
        if self.path == "/socket":
            self.send_response_only(101)
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "websocket")
            self.end_headers()
            self.close_connection = True
            return self.wfile.write(self.rfile.readline())
        self.answer(200, str(self.headers).encode())
    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.answer(200, str(len(self.rfile.read(size))).encode())
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", 8080), Echo).serve_forever()
"""
# Begins votes without their bodies over ninety connections (RFC 9113), on each six a second: three times as
# many as must be under way, so that others take the place of those that have timed out. What is due is told
# by the clock, however busy the machine is. In the static table of RFC 7541 the method is 3, the scheme 7 and
# the path 4; the host and the length are literals for its 1 and 28. Each connection spells the host in its
# own way.
UNFINISHED = f"""
import socket, ssl, sys, time
context = ssl._create_unverified_context()
context.set_alpn_protocols(["h2"])
def connect():
    plain = socket.create_connection((sys.argv[1], {PORT}), 60)
    connection = context.wrap_socket(plain, server_hostname="{VOTE}")
    connection.sendall({HTTP2_PREFACE!r})
    return connection
connections = [connect() for _ in range(90)]
begun, sent = time.monotonic(), 0
while (due := int(6 * (time.monotonic() - begun))) < 1200:
    for number, connection in enumerate(connections, 1):
        host = b"{VOTE}:%d" % number
        head = b"\\x83\\x87\\x84\\x01" + bytes([len(host)]) + host + b"\\x0f\\x0d\\x0260"
        for stream in range(2 * sent + 1, 2 * due, 2):
            frame = len(head).to_bytes(3, "big") + b"\\x01\\x04" + stream.to_bytes(4, "big")
            connection.sendall(frame + head)
    sent = due
    time.sleep(0.2)
"""
# Asks over one connection until it is answered so.
ASK = f"""
import http.client, ssl, sys, time
address, host, status = sys.argv[1:]
edge = http.client.HTTPSConnection(address, {PORT}, timeout=60, context=ssl._create_unverified_context())
answered, begun = "", time.monotonic()
while answered != status and time.monotonic() - begun < 60:
    time.sleep(0.05)
    edge.request("GET", "/", headers={{"Host": host}})
    with edge.getresponse() as answer:
        answer.read()
        answered = str(answer.status)
sys.exit(answered != status and f"{{host}} answers {{answered}}, not {{status}}")
"""
CHUNK = b"5\r\nvote=\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    """Run something under both services' names that says what it was sent."""
    aliases = [part for alias in ("vote", "result") for part in ("--network-alias", alias)]
    echo = ("--entrypoint", "python", reference("worker"), "-c", ECHO)
    with own_network("test-edge") as name, joined(name, *aliases, *echo):
        yield name


@pytest.fixture(scope="module")
def edge(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an edge with the local authority's certificate, which trusts nobody."""
    with running_edge(network, tmp_path_factory.mktemp("edge")) as found:
        wait_until(lambda: leads_on(found))
        yield found


@pytest.fixture(scope="module")
def trusting_edge(network: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run an edge with Let's Encrypt behind a proxy that ends TLS, of which this machine is one."""
    gateway = docker("network", "inspect", "--format", "{{range .IPAM.Config}}{{.Gateway}}{{end}}", network)
    settings = {
        "TRUSTED_PROXIES": f"{gateway}/32,fd00::/8",
        "PUBLIC_HTTPS_PORT": "443",
        "ACME_EMAIL": "a@b.org",
    }
    with running_edge(network, tmp_path_factory.mktemp("trusting"), **settings) as found:
        wait_until(lambda: leads_on(found))
        yield found


class Answer:
    """Status, headers and text of an answer; status 0 where the connection just ends."""

    def __init__(self, connection: socket.socket) -> None:
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
        except http.client.BadStatusLine:
            self.status, self.headers, self.text = 0, response.msg, ""
            return
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()


def connect(edge: str, port: int = PORT) -> socket.socket:
    connection = socket.create_connection((edge, port), 10)
    if port == HTTP_PORT:
        return connection
    return trusting_anybody().wrap_socket(connection, server_hostname=VOTE)


def trusting_anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def send(edge: str, host: str, head: str, *headers: str, body: bytes = b"", port: int = PORT) -> Answer:
    """Send a request exactly as it is given."""
    with connect(edge, port) as connection:
        lines = [f"{head} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode() + body)
        return Answer(connection)


def get(edge: str, host: str, *headers: str, path: str = "/", port: int = PORT) -> Answer:
    return send(edge, host, f"GET {path}", *headers, port=port)


def leads_on(edge: str) -> bool:
    """Say whether an edge has read its configuration."""
    try:
        return get(edge, VOTE).status == 200
    except OSError:
        return False


def chunked(size: int) -> bytes:
    """Return a body of this size without its length."""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)


@pytest.mark.parametrize("port", [HTTP_PORT, PORT])
@pytest.mark.parametrize("host", [*HOSTS, "not-deployed-yet.example"])
def test_the_challenge_of_an_acme_server_is_answered_under_every_name(
    edge: str, host: str, port: int
) -> None:
    path = f"{CHALLENGES}a-token"
    answer = get(edge, host, path=path, port=port)
    assert (answer.status, answer.text) == (200, path)


def test_nothing_else_of_the_certificates_can_be_had(edge: str) -> None:
    assert get(edge, VOTE, path=f"{CHALLENGES}../../traefik", port=HTTP_PORT).status in (301, 308)
    answer = get(edge, VOTE, "Authorization: Bearer a-token", path=f"{CHALLENGES}..%2f..%2ftraefik")
    assert "PRIVATE KEY" not in answer.text


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("size", "status"),
    [(LIMIT - 1, 200), (LIMIT, 200), (LIMIT + 1, 413), (2 * LIMIT, 413)],
)
def test_a_body_within_the_limit_arrives_and_a_larger_one_is_refused(
    edge: str, host: str, size: int, status: int
) -> None:
    whole = send(edge, host, "POST /", FORM, f"Content-Length: {size}", body=b"x" * size)
    parts = send(edge, host, "POST /", FORM, "Transfer-Encoding: chunked", body=chunked(size))
    assert [whole.status, parts.status] == [status, status]
    assert status != 200 or [whole.text, parts.text] == [str(size), str(size)]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "body",
    [b"zebra\r\n", CHUNK + b"-5\r\nvote=\r\n0\r\n\r\n", CHUNK + b"f" * 20 + b"\r\nvote=a\r\n"],
    ids=["no number", "negative", "too large a number"],
)
def test_a_body_in_broken_chunks_is_the_senders_fault(edge: str, host: str, method: str, body: bytes) -> None:
    with connect(edge) as connection:
        head = f"{method} / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + body)
        assert Answer(connection).status == 400


def test_who_waits_to_be_told_to_go_on_is_told(edge: str) -> None:
    with connect(edge) as connection:
        head = f"POST / HTTP/1.1\r\nHost: {VOTE}\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(b"vote=a")
        assert Answer(connection).text == "6"
    refused = send(edge, VOTE, "POST /", f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")
    assert refused.status == 413


@pytest.mark.parametrize("host", HOSTS)
def test_a_services_own_failure_is_no_fault_of_the_sender(edge: str, host: str) -> None:
    assert get(edge, host, path="/failure").status == 502


@pytest.mark.parametrize("host", HOSTS)
def test_a_websocket_gets_through(edge: str, host: str) -> None:
    with connect(edge) as connection:
        head = f"GET /socket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 101")
        connection.sendall(b"hello\n")
        assert connection.recv(1000) == b"hello\n"


def test_headers_that_tell_where_a_request_came_from_are_the_edges_own(edge: str) -> None:
    given = ("Forwarded: for=192.0.2.1;proto=http", "X-Forwarded-For: 192.0.2.1", "X-Real-Ip: 192.0.2.1")
    seen = get(edge, VOTE, *given, "X-Forwarded-Prefix: /x", "X_Forwarded_Prefix: /x").text
    assert "X-Forwarded-Proto: https" in seen
    assert "192.0.2.1" not in seen
    assert "Prefix" not in seen


@pytest.mark.parametrize("proto", ["https", "http", "wss"])
def test_http_leads_to_https_whatever_a_stranger_claims(edge: str, proto: str) -> None:
    answer = get(edge, VOTE, f"X-Forwarded-Proto: {proto}", port=HTTP_PORT, path="/x?y=1")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{VOTE}:{PORT}/x?y=1")


def test_a_redirect_names_the_public_port(trusting_edge: str) -> None:
    for headers in ((), ("X-Forwarded-Proto: http",)):
        answer = get(trusting_edge, f"{VOTE}:{HTTP_PORT}", *headers, port=HTTP_PORT)
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{VOTE}/")


@pytest.mark.parametrize("host", HOSTS)
def test_who_comes_by_https_to_a_trusted_proxy_is_not_redirected(trusting_edge: str, host: str) -> None:
    given = ("X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.1")
    for port in (HTTP_PORT, PORT):
        answer = get(trusting_edge, host, *given, port=port)
        assert answer.status == 200
        assert "X-Forwarded-Proto: https" in answer.text
        assert "X-Forwarded-For: 192.0.2.1, " in answer.text


def test_a_trusted_proxy_that_passes_connections_on_names_the_client(trusting_edge: str) -> None:
    with socket.create_connection((trusting_edge, HTTP_PORT), 10) as connection:
        begun = b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 80\r\n"
        head = f"GET / HTTP/1.1\r\nHost: {VOTE}\r\nX-Forwarded-Proto: https\r\n\r\n"
        connection.sendall(begun + head.encode())
        assert Answer(connection).status == 301  # the client itself is no trusted proxy


def test_only_a_certificate_that_browsers_trust_is_insisted_on(edge: str, trusting_edge: str) -> None:
    assert get(edge, VOTE).headers["Strict-Transport-Security"] is None
    assert get(trusting_edge, VOTE).headers["Strict-Transport-Security"] == "max-age=31536000"


def test_more_connections_than_it_has_room_for_do_an_edge_no_lasting_harm(
    network: str, tmp_path: Path
) -> None:
    with running_edge(network, tmp_path, OPEN_FILES=str(OPEN_FILES)) as edge, ExitStack() as flood:
        container = docker("ps", "--quiet", "--filter", f"name={network}-edge", "--latest")
        wait_until(lambda: leads_on(edge))
        kept = http.client.HTTPSConnection(edge, PORT, timeout=10, context=trusting_anybody())
        assert status(kept) == 200
        for begin, number in ((idle, IDLE), (silent, WAITING)):
            for _ in range(number):
                flood.enter_context(begin(edge))
        wait_until(lambda: open_files(container) >= OPEN_FILES - 1)
        before = lines(container)
        assert status(kept) == 200
        docker("exec", container, *HEALTH_CHECK)
        wait_until(lambda: lines(container) >= before + 20)  # a second of them
        assert lines(container) < before + 2000
        flood.pop_all().close()
        wait_until(lambda: leads_on(edge), 60)


def test_requests_that_never_end_take_a_bounded_part_of_an_edge(
    network: str, strangers: list[str], tmp_path: Path
) -> None:
    """Of one address half of what there is; of all together no more than that."""
    one, other, voter = strangers
    with running_edge(network, tmp_path) as edge:
        wait_until(lambda: leads_on(edge))
        docker("exec", "--detach", one, "python", "-c", UNFINISHED, edge)
        ask_until(429, one, edge, VOTE)
        ask_until(200, voter, edge, VOTE)
        ask_until(200, voter, edge, RESULT)
        docker("exec", "--detach", other, "python", "-c", UNFINISHED, edge)
        ask_until(429, voter, edge, VOTE)
        ask_until(200, voter, edge, RESULT)
        docker("kill", one, other)
        ask_until(200, voter, edge, VOTE)


@pytest.fixture
def strangers(network: str) -> Iterator[list[str]]:
    """Run three containers that do nothing, each with an address of its own."""
    names = [f"{network}-stranger-{number}" for number in range(3)]
    for name in names:
        run = ("run", "--detach", "--name", name, "--network", network, "--entrypoint", "sleep")
        docker(*run, reference("worker"), "600")
    yield names
    docker("rm", "--force", *names)


def ask_until(answered: int, container: str, edge: str, host: str) -> None:
    docker("exec", container, "python", "-c", ASK, edge, host, str(answered))


def silent(edge: str) -> socket.socket:
    """Connect, and say nothing."""
    return socket.create_connection((edge, PORT), 5)


def idle(edge: str) -> socket.socket:
    """Begin to speak HTTP/2, and ask for nothing."""
    context = trusting_anybody()
    context.set_alpn_protocols(["h2"])
    connection = context.wrap_socket(socket.create_connection((edge, PORT), 10), server_hostname=VOTE)
    connection.sendall(HTTP2_PREFACE)
    return connection


def status(connection: http.client.HTTPConnection) -> int:
    """Ask for the vote page over a connection that is kept."""
    connection.request("GET", "/", headers={"Host": VOTE})
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def open_files(container: str) -> int:
    return len(docker("exec", container, "ls", "/proc/1/fd").split())


def lines(container: str) -> int:
    """Count what an edge has said so far."""
    return len(docker("logs", container).splitlines())
