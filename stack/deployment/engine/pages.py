"""Both pages as a visitor gets them: through every edge, by the deployed names, with a valid certificate."""

import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from urllib3 import HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from deployment.plan.release.entrance import Entrance

ANSWER_SECONDS = 5.0
# The page itself, and whether a vote would be acknowledged and the result is read.
PATHS = ("", "readyz")
# The header of the page that the vote service shows during a maintenance.
PAUSED = ("Vote-Intake", "maintenance")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Edge:
    """A node that lets visitors in: its name, and the address to ask it at.

    Of another machine than this one, silence does not tell whether visitors meet it, too.
    """

    name: str
    address: str
    here: bool


@dataclass(frozen=True)
class Visit:
    """What a visitor got of one page through one edge; `problem` is empty where all was well."""

    edge: str
    page: str
    problem: str = ""
    checked: bool = True  # whether the edge let us ask at all
    certificate: bool | None = None  # whether the edge showed a valid one; None where it showed none
    until: str | None = None  # when the valid one ends (RFC 3339)
    paused: bool = False  # whether the page was the one that says that voting is paused


def visit(entrance: Entrance, edges: Sequence[Edge]) -> list[Visit]:
    """Ask for both pages through each edge, all at once."""
    trust = entrance.trust()
    asked = [(edge, page) for edge in edges for page in entrance.urls]
    if not asked:
        return []
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda pair: _visit(entrance, pair[0], pair[1], trust), asked))


def _visit(entrance: Entrance, edge: Edge, page: str, trust: ssl.SSLContext) -> Visit:
    try:
        refusal, until, paused = _asked(entrance.urls[page], edge.address, entrance.port, trust)
        return Visit(edge.name, page, refusal, certificate=True, until=until, paused=paused)
    except HTTPError as error:
        return failed(edge, page, error)


def _asked(url: str, address: str, port: int, trust: ssl.SSLContext) -> tuple[str, str | None, bool]:
    """Ask an edge for a page and what lies beside it, over one connection; say what the first refusal is.

    Says, too, when the certificate ends that was shown, and whether the page says that voting is paused: that
    is no refusal. Raises HTTPError.
    """
    host, under, until, paused = str(urlsplit(url).hostname), urlsplit(url).path, None, False
    with HTTPSConnectionPool(
        address, port, timeout=Timeout(ANSWER_SECONDS), retries=False,
        ssl_context=trust, server_hostname=host,
    ) as edge:  # fmt: skip
        name = host if port == 443 else f"{host}:{port}"
        for path in (under + beside for beside in PATHS):
            answer = edge.request("GET", path, headers={"Host": name}, redirect=False, preload_content=False)
            until = until or _end_of_certificate(answer.connection)
            answer.read()
            says_so = answer.status == 503 and answer.headers.get(PAUSED[0]) == PAUSED[1]
            paused = paused or says_so
            if answer.status != 200 and not says_so:
                return f"{path} answers {answer.status}", until, paused
    return "", until, paused


def _end_of_certificate(connection: object) -> str | None:
    socket = connection.sock if isinstance(connection, HTTPConnection) else None
    shown = socket.getpeercert() if isinstance(socket, ssl.SSLSocket) else None
    if not shown:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC).isoformat()


def failed(edge: Edge, page: str, error: HTTPError) -> Visit:
    """Say why a page did not come."""
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Visit(edge.name, page, f"no valid certificate: {cause.verify_message}", certificate=False)
    if isinstance(error, NewConnectionError | ConnectTimeoutError) and not edge.here:
        return Visit(edge.name, page, f"{edge.address} does not let this machine in", checked=False)
    return Visit(edge.name, page, f"does not answer: {_reason(error)}")


def _reason(error: HTTPError) -> str:
    """Return what went wrong without the objects that urllib3 names before it."""
    return str(error.args[-1] if error.args else error).rpartition(": ")[2]


def outdated(visits: Sequence[Visit], newest: str) -> list[str]:
    """Name each edge whose certificate does not end when the newest one does (RFC 3339)."""
    end = datetime.fromisoformat(newest)
    others = [v.edge for v in visits if v.until and datetime.fromisoformat(v.until) != end]
    return list(dict.fromkeys(others))


def problems(entrance: Entrance, visits: Sequence[Visit], *, votes_taken: bool = False) -> list[str]:
    """Name each page that a visitor does not get, or that says what is not so, and through which edge."""
    told = [replace(v, problem="says that voting is paused") for v in visits if v.paused and votes_taken]
    return [_sentence(entrance, visit) for visit in [*visits, *told] if visit.problem and visit.checked]


def unchecked(entrance: Entrance, visits: Sequence[Visit]) -> list[str]:
    """Name each page that could not be asked for, and through which edge."""
    return [_sentence(entrance, visit) for visit in visits if not visit.checked]


def _sentence(entrance: Entrance, visit: Visit) -> str:
    return f"{entrance.urls[visit.page]} through {visit.edge}: {visit.problem}"
