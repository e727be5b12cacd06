"""The two pages as a browser asks for them."""

from __future__ import annotations

import http.client
import json
from typing import NamedTuple
from urllib.parse import urlencode

from prober.edges import AwayError, Edges
from prober.outcome import Outcome, outcome_of
from prober.settings import Settings

# The service itself gives up a vote after ten seconds, the edge after twelve.
ANSWER_SECONDS = 13.0
LARGEST_BYTES = 2**20
MARKS = {"vote": b"<form", "result": b"<progress"}
"""What is in each page, and in no page of an error."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Pages:
    """Asks for pages; comes back to the vote page as the visitor who was there before."""

    def __init__(self, settings: Settings, edges: Edges) -> None:
        self._settings = settings
        self._edges = edges
        self._cookie = ""

    def look(self) -> None:
        """Ask for both pages; raise AwayError where one does not come.

        One that says that voting is paused has come: it is for the test vote to be told so.
        """
        for page, host in (("vote", self._settings.vote_host), ("result", self._settings.result_host)):
            answer = self._ask(host, "GET", page)
            if answer.headers.get("Vote-Intake") == "maintenance":
                continue
            if answer.status != http.client.OK or MARKS[page] not in answer.body:
                raise AwayError(f"the page {page} answers {answer.status}")
            for cookie in answer.headers.get_all("Set-Cookie", []):
                if cookie.startswith("voter_id="):
                    self._cookie = cookie.partition(";")[0]

    def vote(self, signed: str) -> Outcome:
        """Send a test vote, and return what became of it; raise AwayError without an answer."""
        body = urlencode({"probe": signed}).encode()
        answer = self._ask(self._settings.vote_host, "POST", "vote", body)
        return outcome_of(answer.status, _told(answer.body))

    def _ask(self, host: str, method: str, page: str, form: bytes | None = None) -> Answer:
        """Send a request as a browser does from the page itself."""
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if form is not None:
            headers |= {"Origin": f"https://{host}", "Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection(host)
        connection.sock = self._edges.open(host, ANSWER_SECONDS)
        try:
            connection.request(method, f"/{page}/" if self._settings.by_path else "/", form, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read(LARGEST_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise AwayError(f"{host} does not answer: {error}") from error
        finally:
            connection.close()


def _told(body: bytes) -> object:
    """Return the outcome that a program is told, None where a page came."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told.get("outcome") if isinstance(told, dict) else None
