"""What is counted and measured of votes, for whoever watches the stack."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram
from werkzeug.exceptions import HTTPException

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ACCEPTED, NOT_RECORDED, INVALID, CLOSED = "accepted", "not_recorded", "invalid", "closed"
BY_STATUS: Mapping[int | None, str] = {409: "other_poll", 429: "too_many", 503: "paused"}
OUTCOMES = (ACCEPTED, NOT_RECORDED, INVALID, CLOSED, *BY_STATUS.values())

VOTES = Counter("vote_app_votes", "Votes that came, by what became of them.", ["outcome"])
VOTES_BY = {outcome: VOTES.labels(outcome) for outcome in OUTCOMES}
ACKNOWLEDGE = Histogram(
    "vote_app_vote_acknowledge_seconds",
    "Time until an accepted vote was on the primary of the queue and on a replica.",
    buckets=SECONDS,
)
REPLAYED = Counter(
    "vote_app_replayed_votes", "Acknowledged votes that were put into the queue of another primary again."
)
UNNUMBERED = Counter(
    "vote_app_unnumbered_votes", "Acknowledged votes that have no number, since the queue took none."
)
LEDGER = Gauge("vote_app_ledger_votes", "Acknowledged votes that are kept for the case of a failover.")
READY = Gauge("vote_app_queue_ready", "Whether the queue would keep a vote that comes now.")


def accepted(seconds: float) -> None:
    """Count a vote that was acknowledged after so many seconds."""
    VOTES_BY[ACCEPTED].inc()
    ACKNOWLEDGE.observe(seconds)


def refused(error: Exception) -> None:
    """Count a vote that was answered with an error."""
    VOTES_BY[outcome_of(error)].inc()


def not_recorded() -> None:
    """Count a vote that was not acknowledged in time."""
    VOTES_BY[NOT_RECORDED].inc()


def outcome_of(error: Exception) -> str:
    """Say what an error means for the vote; where the mistake is ours, that it was not recorded.

    Who left before the answer is no loss: a stranger who comes and goes must not wake anybody.
    """
    if not isinstance(error, HTTPException):
        return NOT_RECORDED
    if error.description == "intake_closed":
        return CLOSED
    return BY_STATUS.get(error.code, INVALID)
