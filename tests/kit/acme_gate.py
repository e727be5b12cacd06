"""A gate before an ACME server: it counts what passes, and holds up, refuses or drops what it is told to."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
import trustme

from kit.containers import docker
from kit.pebble import AcmeServer
from kit.waiting import wait_until

DIRECTORY, NEW_ORDER, FINALIZE, RENEWAL = "/dir", "/order-plz", "/finalize-order/", "/renewalInfo/"
JSON = {"Content-Type": "application/json"}
PASSED_ON = ("Content-Type", "Replay-Nonce", "Location", "Link", "Retry-After")
HOLD_SECONDS = 120


class Gate(ThreadingHTTPServer):
    """Passes on to a server what is asked of it."""

    daemon_threads = True

    def __init__(self, host: str, server: AcmeServer) -> None:
        super().__init__((host, 0), _Request)
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.trusted = authority.cert_pem.bytes().decode() + server.authorities.read_text()
        self.directory = f"https://{host}:{self.server_port}{DIRECTORY}"
        self.behind = server.directory.removesuffix(DIRECTORY)
        self.session = requests.Session()
        self.session.trust_env = False  # Another bundle of the machine's would be trusted instead.
        self.session.verify = str(server.authorities)
        self.accepted: list[str] = []
        self.away = False
        self.advice: tuple[datetime, datetime] | None = None
        self._refused: dict[str, int] = {}
        self._held: dict[str, threading.Event] = {}

    def refuse(self, path: str, seconds: int) -> None:
        """Answer the next request for a path with 429 and so many seconds to wait."""
        self._refused[path] = seconds

    @contextmanager
    def holding(self, path: str) -> Iterator[None]:
        """Pass requests for a path on, and keep the answers back until the block's end."""
        released = self._held[path] = threading.Event()
        try:
            yield
        finally:
            del self._held[path]
            released.set()

    def wait_for(self, path: str) -> None:
        """Return once the server accepted a request for a path."""
        wait_until(lambda: self.count(path), 60)

    def count(self, path: str) -> int:
        """Say how many requests for a path the server accepted."""
        return sum(one.startswith(path) for one in self.accepted)

    def refusal(self, path: str) -> int | None:
        """Take the refusal for a path, if there is one."""
        return next(
            (self._refused.pop(known) for known in list(self._refused) if path.startswith(known)), None
        )

    def hold(self, path: str) -> None:
        """Wait as long as answers for a path are kept back."""
        for known, released in list(self._held.items()):
            if path.startswith(known):
                released.wait(HOLD_SECONDS)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients are killed here."""


class _Request(BaseHTTPRequestHandler):
    """One request; its connection ends with it."""

    server: Gate

    def do_HEAD(self) -> None:
        self._pass_on()

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _pass_on(self) -> None:
        if self.server.away:
            return
        if seconds := self.server.refusal(self.path):
            self._answer(
                429, {"Retry-After": str(seconds), "Content-Type": "application/problem+json"}, PROBLEM
            )
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # The server builds its addresses from the host that it is asked for.
        headers = {"Host": self.headers["Host"], "Content-Type": self.headers.get("Content-Type", "")}
        url = self.server.behind + self.path
        if self.server.advice and RENEWAL in self.path:
            start, end = (moment.isoformat() for moment in self.server.advice)
            self._answer(200, JSON, json.dumps({"suggestedWindow": {"start": start, "end": end}}).encode())
            return
        answer = self.server.session.request(self.command, url, headers=headers, data=body, timeout=30)
        # The server refuses some nonces at random, and is asked again.
        if answer.ok:
            self.server.accepted.append(self.path)
            self.server.hold(self.path)
        found = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        self._answer(answer.status_code, found, self._offered(answer))

    def _offered(self, answer: requests.Response) -> bytes:
        """Leave advice on renewal out of the directory, unless there is some.

        The server's own is a window of two days around the renewal, whatever the certificate's life.
        """
        if self.path != DIRECTORY or self.server.advice:
            return answer.content
        offered = answer.json()
        del offered["renewalInfo"]
        return json.dumps(offered).encode()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


PROBLEM = b'{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many orders", "status": 429}'


@contextmanager
def gate_before(server: AcmeServer, network: str, folder: Path) -> Iterator[Gate]:
    """Run a gate where the containers of a network reach this machine; put what to trust into the folder."""
    host = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network)
    gate = Gate(host, server)
    (folder / "authorities.pem").write_text(gate.trusted)
    threading.Thread(target=gate.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield gate
    finally:
        gate.shutdown()
        gate.server_close()
