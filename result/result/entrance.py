"""What stands before Engine.IO: only what a viewer may ask gets in, in bounded number, size and time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import gevent
import structlog
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    LengthRequired,
    RequestEntityTooLarge,
    RequestTimeout,
    ServiceUnavailable,
)
from werkzeug.wrappers import Response

from result.packets import LARGEST_BYTES, understand_body

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/socket.io/"
LONGEST_QUERY = 256
BODY_SECONDS = 5.0
RETRY_SECONDS = 10
# Ten messages a second for twice as long as a viewer may be silent.
MOST_WAITING = 200

log = structlog.get_logger()


class Entrance:
    """Lets viewers' requests through to Engine.IO.

    A session has at most one request of a kind under way, so that the number of sessions bounds everything.
    """

    def __init__(self, application: WSGIApplication, engine: Any, places: int) -> None:
        self._application = application
        self._engine = engine
        self._places = places
        self._under_way: set[tuple[str, str]] = set()
        self._full = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer what is refused, and pass on the rest."""
        if not environ["PATH_INFO"].startswith(PATH):
            return self._application(environ, start_response)
        try:
            with self._admit(environ):
                return self._application(environ, start_response)
        except HTTPException as refusal:
            headers = {"Retry-After": str(RETRY_SECONDS)} if refusal.code == ServiceUnavailable.code else {}
            answer = Response(f"{refusal.description}\n", refusal.code, headers, mimetype="text/plain")
            return answer(environ, start_response)

    @contextmanager
    def _admit(self, environ: WSGIEnvironment) -> Iterator[None]:
        """Hold the request's place, with all of its body read, or raise what is the matter with it."""
        sid, kind = session_of(environ["QUERY_STRING"]), kind_of(environ)
        if sid is None:
            self._find_place(kind)
            _reduce(environ)
            yield
            return
        session = self._engine.sockets.get(sid)
        if session is None or session.closed:
            raise BadRequest("There is no such session.")
        # Some say that they are there and fetch nothing.
        if kind == "POST" and session.queue.qsize() > MOST_WAITING:
            raise BadRequest("Too much waits to be fetched.")
        if (sid, kind) in self._under_way:
            raise BadRequest("The session has such a request under way.")
        self._under_way.add((sid, kind))
        try:
            _reduce(environ)
            yield
        finally:
            self._under_way.discard((sid, kind))

    def _find_place(self, kind: str) -> None:
        if kind == "POST":
            raise BadRequest("A session begins with GET.")
        was_full, self._full = self._full, len(self._engine.sockets) >= self._places
        if self._full and not was_full:
            log.warning("no room for another viewer", viewers=self._places)
        if self._full:
            raise ServiceUnavailable("As many people watch as there is room for. Please try again.")


def session_of(query: str) -> str | None:
    """Return the session that a request belongs to, None if it is to begin one; raises BadRequest."""
    if len(query) > LONGEST_QUERY:
        raise BadRequest("The query is too long.")
    fields = parse_qs(query)
    if "j" in fields:
        raise BadRequest("There is no JSONP.")
    return fields["sid"][0] if "sid" in fields else None


def kind_of(environ: WSGIEnvironment) -> str:
    """Return what a session may have only one of at a time: a WebSocket, or a request of one method."""
    method = str(environ["REQUEST_METHOD"])
    return "websocket" if method == "GET" and "HTTP_UPGRADE" in environ else method


def heed_the_present(engine: Any) -> None:
    """Hear nothing more of a session that has ended: Socket.IO would let it join anew and keep it."""
    hear = engine.handlers["message"]

    def heed(sid: str, data: object) -> None:
        session = engine.sockets.get(sid)
        if session is not None and not session.closed:
            hear(sid, data)

    engine.on("message", heed)


def _reduce(environ: WSGIEnvironment) -> None:
    """Read the body, and let go of what Engine.IO would keep for as long as the session lasts."""
    body = _body_of(environ) if environ["REQUEST_METHOD"] == "POST" else b""
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
    environ.pop("wsgi.early_hints", None)
    if kind_of(environ) != "websocket":
        environ.pop("gunicorn.socket", None)


def _body_of(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdecimal():
        raise LengthRequired
    if int(length) > LARGEST_BYTES:
        raise RequestEntityTooLarge
    with gevent.Timeout(BODY_SECONDS, RequestTimeout()):
        body = environ["wsgi.input"].read(int(length))
    understood = understand_body(body)
    if understood is None:
        raise BadRequest("Viewers send nothing but that they join, are there, and leave.")
    return understood
