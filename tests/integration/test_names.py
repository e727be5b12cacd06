"""What is asked outside before an order, of a real DNS server and real addresses."""

import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from certificates.outside import reach
from certificates.outside.hook import Hook, HookError, wait_for_text
from certificates.outside.names import NamesError, NoAddressError, Resolver
from certificates.outside.reach import look
from certificates.plan.caa import CaaRecord, forbids
from certificates.plan.findings import Findings
from kit.containers import own_network
from kit.pebble import DnsServer, dns_server

VOTE, RESULT = "vote.example.test", "result.example.test"
NAMES = (VOTE, RESULT, "example.test")
TOKEN, ANSWER = "token", "token.thumbprint"
RIGHT, WRONG, ELSEWHERE, FROZEN, UNUSED = (f"127.0.0.{host}" for host in range(1, 6))


@pytest.fixture(scope="module")
def network() -> Iterator[str]:
    with own_network("vote-app-test-names") as name:
        yield name


@pytest.fixture(scope="module")
def server(network: str) -> Iterator[DnsServer]:
    with dns_server(network) as running:
        yield running


@pytest.fixture
def dns(server: DnsServer) -> Iterator[DnsServer]:
    """A DNS server that knows of nothing."""
    yield server
    for name in NAMES:
        server.forget(name)


@pytest.fixture
def resolver(dns: DnsServer) -> Resolver:
    return Resolver((dns.server,))


class Web(ThreadingHTTPServer):
    """Knows one token, if that."""

    def __init__(self, host: str, port: int, answer: str = "") -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Page)
        self.pages = {f"/.well-known/acme-challenge/{TOKEN}": answer} if answer else {}


class Page(BaseHTTPRequestHandler):
    """One request to it."""

    server: Web

    def do_GET(self) -> None:
        self.send_response(200 if self.path in self.server.pages else 404)
        self.end_headers()
        self.wfile.write(self.server.pages.get(self.path, "not found").encode())


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve the right answer, a wrong one, none and silence at four addresses and one port."""
    with Web(RIGHT, 0, ANSWER) as right, frozen(right.server_port):
        port = right.server_port
        webs = [right, Web(WRONG, port, "another"), Web(ELSEWHERE, port), Web("::1", port)]
        for web in webs:
            threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True).start()
        yield port
        for web in webs:
            web.shutdown()
            web.server_close()


def frozen(port: int) -> socket.socket:
    """Accept connections, and never read."""
    return socket.create_server((FROZEN, port))


def test_all_addresses_of_a_name(dns: DnsServer, resolver: Resolver) -> None:
    dns.add_addresses(VOTE, RIGHT, WRONG, "::1")
    assert set(resolver.addresses(VOTE)) == {RIGHT, WRONG, "::1"}
    with pytest.raises(NoAddressError, match=f"{RESULT} has neither"):
        resolver.addresses(RESULT)
    dns.fail_at(RESULT)
    with pytest.raises(NamesError, match="SERVFAIL"):
        resolver.addresses(RESULT)


def test_caa_records_are_those_of_the_nearest_name(dns: DnsServer, resolver: Resolver) -> None:
    assert resolver.caa(VOTE) == ()
    dns.add_caa("example.test", "ca.example", "other.example; accounturi=https://other.example/7")
    found = resolver.caa(VOTE)
    assert CaaRecord(0, "issue", "other.example; accounturi=https://other.example/7") in found
    assert not forbids(found, ["ca.example"], "https://ca.example/1", "http-01")
    dns.add_caa(VOTE, ";")
    assert forbids(resolver.caa(VOTE), ["ca.example"], "https://ca.example/1", "http-01")
    assert not forbids(resolver.caa(RESULT), ["ca.example"], "https://ca.example/1", "http-01")
    dns.fail_at(RESULT)
    with pytest.raises(NamesError, match="SERVFAIL"):
        resolver.caa(RESULT)


def test_the_right_answer_at_every_address(dns: DnsServer, resolver: Resolver, port: int) -> None:
    dns.lead_to(RIGHT)
    assert look(resolver, [VOTE, RESULT], TOKEN, ANSWER, port) == Findings()
    dns.lead_to("")


def test_each_wrong_answer_is_named(dns: DnsServer, resolver: Resolver, port: int) -> None:
    dns.add_addresses(VOTE, RIGHT, WRONG, ELSEWHERE, "::1")
    found = look(resolver, [VOTE, RESULT], TOKEN, ANSWER, port)
    assert sorted(found.wrong) == [
        f"A {WRONG} of {VOTE} answers 200 (another)",
        f"A {ELSEWHERE} of {VOTE} answers 404 (not found)",
        f"AAAA ::1 of {VOTE} answers 404 (not found)",
        f"{RESULT} has neither an A nor an AAAA record in DNS",
    ]
    assert found.doubtful == ()


def test_each_silent_address_is_named(
    dns: DnsServer, resolver: Resolver, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "ANSWER_SECONDS", 1.0)
    dns.add_addresses(VOTE, RIGHT, FROZEN, UNUSED)
    found = look(resolver, [VOTE], TOKEN, ANSWER, port)
    assert found.wrong == ()
    assert sorted(found.doubtful) == [
        f"A {FROZEN} of {VOTE} does not answer",
        f"A {UNUSED} of {VOTE} cannot be reached: Connection refused",
    ]


def test_an_ipv6_address_that_is_nowhere_is_silent(
    dns: DnsServer, resolver: Resolver, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether this machine has IPv6 or not."""
    monkeypatch.setattr(reach, "ANSWER_SECONDS", 1.0)
    dns.add_addresses(VOTE, RIGHT, "2001:db8::1")
    found = look(resolver, [VOTE], TOKEN, ANSWER, port)
    assert found.wrong == ()
    assert [sentence.partition(" of ")[0] for sentence in found.doubtful] == ["AAAA 2001:db8::1"]


def test_the_hook_sets_the_record_and_takes_it_away(
    dns: DnsServer, resolver: Resolver, tmp_path: Path
) -> None:
    path, name = tmp_path / "hook", f"_acme-challenge.{VOTE}"
    dns.write_hook(path, sys.executable)
    Hook(str(path)).present(name, "value")
    wait_for_text(resolver, name, "value")
    assert resolver.texts(name) == ("value",)
    Hook(str(path)).cleanup(name, "value")
    assert resolver.texts(name) == ()
    with pytest.raises(HookError, match="it shows none"):
        wait_for_text(resolver, name, "value", seconds=0.5, pause=0.1)
