"""One test vote, from the pages to the screen."""

from __future__ import annotations

import hmac
import secrets
import time
from typing import NamedTuple

import structlog

from prober.edges import AwayError, Edges
from prober.outcome import Outcome
from prober.pages import Pages
from prober.screen import Screen
from prober.settings import Settings

# An election of the queue or of the database is over by then.
SHOWN_SECONDS = 45.0

log = structlog.get_logger()


class Attempt(NamedTuple):
    """What became of a test vote, and after how many seconds it was acknowledged and was on the screen."""

    outcome: Outcome
    acknowledged: float | None = None
    shown: float | None = None


def attempt(settings: Settings, edges: Edges, pages: Pages) -> Attempt:
    """Make up a vote, send it and look for it."""
    failure = Outcome.NO_SCREEN
    try:
        with Screen(settings, edges) as screen:
            failure = Outcome.NO_PAGE
            pages.look()
            failure = Outcome.NO_ANSWER
            return _send(settings, pages, screen)
    except AwayError as error:
        log.warning("not to be had", outcome=failure, reason=str(error))
        return Attempt(failure)


def _send(settings: Settings, pages: Pages, screen: Screen) -> Attempt:
    """Time a vote as one clock sees it; raise AwayError without an answer."""
    identity = secrets.token_hex(16)
    began = time.monotonic()
    outcome = pages.vote(signed(identity, settings.probe_key))
    if outcome != Outcome.ACCEPTED:
        return Attempt(outcome)
    acknowledged = time.monotonic() - began
    if screen.shows(identity, began + SHOWN_SECONDS):
        return Attempt(Outcome.SHOWN, acknowledged, time.monotonic() - began)
    return Attempt(Outcome.NOT_SHOWN, acknowledged)


def signed(identity: str, key: str) -> str:
    """Return an id with the signature by which `vote` knows that it is not a stranger's."""
    return f"{identity}.{hmac.digest(key.encode(), identity.encode(), 'sha256').hex()}"
