"""What is counted and measured of the way of votes into the database, for whoever watches the stack."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

BATCH = Histogram(
    "vote_app_batch_votes",
    "Votes that were taken from the queue together, and stored.",
    buckets=(1, 8, 64, 512, 4096, 8192),
)
COMMIT = Histogram(
    "vote_app_commit_seconds",
    "Time of a commit of votes, until it was on a standby of the database.",
    buckets=SECONDS,
)
STORED = Counter(
    "vote_app_stored_votes",
    "Votes that were committed, those delivered once more among them; of a voter one in a batch.",
)
UNNUMBERED = Counter(
    "vote_app_stored_votes_unnumbered",
    "Votes that were taken from the queue without a number: whether one is missing, no account says.",
)
DEAD_LETTERS = Counter(
    "vote_app_dead_letters", "Entries, or parts of them, that were moved to the dead letters."
)
RETRIES = Counter(
    "vote_app_store_retries", "Commits that failed since the database was away, to be tried again."
)
