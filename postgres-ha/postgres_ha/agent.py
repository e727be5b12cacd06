"""The node's HTTP routes: its state for everyone, and for its peers what changes it."""

import hmac
import ssl
import time
from collections.abc import Callable
from http import HTTPStatus

import psycopg
import structlog

from postgres_ha import cgroup, election, succession
from postgres_ha.cgroup import Usage
from postgres_ha.election import ElectionError
from postgres_ha.errors import ServiceError
from postgres_ha.listener import Body, Handler, RefusedError, Server
from postgres_ha.node import Node

log = structlog.get_logger()

FOLLOW_SECONDS = 30.0
# Seven ask for the state, each of them once a second.
USAGE_SECONDS = 5.0

Route = Callable[[Body], Body | None]


class Container:
    """What the container takes, looked at every few seconds however many ask."""

    def __init__(self) -> None:
        self._looked = float("-inf")
        self._usage = Usage(None, None, None)

    def usage(self) -> Usage:
        """Return what it took at most five seconds ago."""
        if time.monotonic() - self._looked >= USAGE_SECONDS:
            self._looked = time.monotonic()
            self._usage = cgroup.read()
        return self._usage


class Agent:
    """Answer for one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._container = Container()
        # Names that nodes of other releases know, too.
        self._routes: dict[str, Route] = {
            "/ballot": self._grant,
            "/campaign": self._campaign,
            "/promotion": self._promotion,
            "/following": self._following,
            "/farewell": self._farewell,
            "/handover": self._hand_over,
            "/override": self._override,
            "/backup": self._backup,
        }

    def listen(self, port: int, tls: ssl.SSLContext | None = None) -> Server:
        """Return a server that is yet to start, with TLS or in plain; raise OSError if the port is taken."""
        return Server(port, self._handler(), tls)

    def state(self) -> Body:
        """Return the node's state, and beside it what its container takes, and how backups are."""
        backup = self._node.backup.describe() if self._node.backup else {}
        return self._node.state.to_json() | {"container": self._container.usage()._asdict()} | backup

    def answer(self, path: str, body: Body) -> tuple[HTTPStatus, Body]:
        """Return the status and body for the POST of somebody who has the token."""
        if path not in self._routes:
            return HTTPStatus.NOT_FOUND, {"error": f"no route {path}"}
        try:
            return HTTPStatus.OK, self._routes[path](body) or {}
        except (KeyError, TypeError, ValueError) as error:
            return HTTPStatus.BAD_REQUEST, {"error": repr(error)}
        except (ServiceError, psycopg.Error) as error:
            log.warning("refused", path=path, reason=str(error).strip())
            return HTTPStatus.CONFLICT, {"error": str(error).strip()}

    def _grant(self, body: Body) -> None:
        election.grant(self._node, election.candidacy_from_json(body))

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
        self._node.invite(str(body["node"]), str(body.get("heir", "")))

    def _hand_over(self, body: Body) -> None:
        succession.hand_over(self._node, str(body["heir"]))

    def _override(self, _body: Body) -> Body:
        return {"term": election.override(self._node)}

    def _backup(self, body: Body) -> None:
        if self._node.backup:
            self._node.backup.hear(body)

    def _handler(self) -> type[Handler]:
        agent = self
        tokens = [f"Bearer {token}".encode() for token in self._node.settings.secrets.agent_tokens]

        class AgentHandler(Handler):
            def do_GET(self) -> None:  # noqa: N802
                if self.path == "/state":
                    self.close_connection = self.headers.get("Connection") != "keep-alive"
                    self.reply(HTTPStatus.OK, agent.state())
                else:
                    self.reply(HTTPStatus.NOT_FOUND, {"error": f"no route {self.path}"})

            def do_POST(self) -> None:  # noqa: N802
                # Nothing of a stranger is read beyond the headers.
                given = self.headers.get("Authorization", "").encode()
                if not any(hmac.compare_digest(given, token) for token in tokens):
                    self.reply(HTTPStatus.UNAUTHORIZED, {"error": "the agents' token is missing or wrong"})
                    return
                try:
                    self.reply(*agent.answer(self.path, self.body()))
                except RefusedError as error:
                    self.reply(error.status, {"error": str(error)})

        return AgentHandler
