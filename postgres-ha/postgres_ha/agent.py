"""The node's HTTP routes: its state for everyone, and for its peers what changes it."""

import hmac
import json
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import structlog

from postgres_ha import election
from postgres_ha.database import DatabaseError
from postgres_ha.election import ElectionError
from postgres_ha.node import Node
from postgres_ha.peers import PORT
from postgres_ha.repmgr import RepmgrError

log = structlog.get_logger()

FOLLOW_SECONDS = 30.0
MAX_BODY_BYTES = 4096

Body = dict[str, Any]
Route = Callable[[Body], Body | None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Log what went wrong; a client that has gone is none of it."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.exception("request failed", client=str(client_address))


class Agent:
    """Answer for one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._routes: dict[str, Route] = {
            "/ballot": self._ballot,
            "/campaign": self._campaign,
            "/promotion": self._promotion,
            "/following": self._following,
            "/farewell": self._farewell,
            "/override": self._override,
        }

    def start(self) -> None:
        """Listen; raise OSError if the port is taken."""
        server = _Server(("", PORT), self._handler())
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(self, path: str, authorised: bool, body: Body) -> tuple[HTTPStatus, Body]:
        """Return the status and body for a POST."""
        if not authorised:
            return HTTPStatus.UNAUTHORIZED, {"error": "the agents' token is missing or wrong"}
        if path not in self._routes:
            return HTTPStatus.NOT_FOUND, {"error": f"no route {path}"}
        try:
            return HTTPStatus.OK, self._routes[path](body) or {}
        except (KeyError, TypeError, ValueError) as error:
            return HTTPStatus.BAD_REQUEST, {"error": repr(error)}
        except (ElectionError, DatabaseError, RepmgrError, psycopg.Error) as error:
            log.warning("refused", path=path, reason=str(error).strip())
            return HTTPStatus.CONFLICT, {"error": str(error).strip()}

    def _ballot(self, body: Body) -> None:
        election.vote(self._node, election.candidacy_from_json(body))

    def _campaign(self, _body: Body) -> Body:
        return {"term": election.campaign(self._node).term}

    def _promotion(self, _body: Body) -> None:
        election.take_office(self._node)

    def _following(self, _body: Body) -> Body:
        """Wait until the gate has attached this node to a leader."""
        deadline = time.monotonic() + FOLLOW_SECONDS
        while time.monotonic() < deadline:
            if self._node.state.upstream:
                return {"upstream": self._node.state.upstream}
            time.sleep(0.5)
        raise ElectionError("not attached to any leader yet")

    def _farewell(self, body: Body) -> None:
        self._node.invite(str(body["node"]))

    def _override(self, _body: Body) -> Body:
        return {"term": election.override(self._node)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        agent, node = self, self._node
        token = f"Bearer {node.settings.secrets.agent_token}".encode()

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                if self.path == "/state":
                    self._reply(HTTPStatus.OK, node.state.to_json())
                else:
                    self._reply(HTTPStatus.NOT_FOUND, {"error": f"no route {self.path}"})

            def do_POST(self) -> None:
                given = self.headers.get("Authorization", "").encode()
                authorised = hmac.compare_digest(given, token)
                self._reply(*agent.answer(self.path, authorised, self._body()))

            def _body(self) -> Body:
                length = min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES)
                try:
                    body = json.loads(self.rfile.read(length) or b"{}")
                except ValueError:
                    return {}
                return body if isinstance(body, dict) else {}

            def _reply(self, status: HTTPStatus, body: Body) -> None:
                payload = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet: every peer asks every second."""

        return Handler
