"""What is counted and measured of test votes, for whoever watches the stack."""

from __future__ import annotations

from prometheus_client import Counter, Histogram, disable_created_metrics

from prober.attempt import Attempt
from prober.outcome import Outcome

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0)

# Beside each counter there would be the time at which it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]

PROBES = Counter("vote_app_probes", "Test votes, by what became of them.", ["outcome"])
PROBES_BY: dict[Outcome, Counter] = {
    each: PROBES.labels(each) for each in Outcome if each != Outcome.ACCEPTED
}
TOOK = Histogram(
    "vote_app_probe_seconds",
    "Time from the sending of a test vote until it was acknowledged, or on the screen.",
    ["until"],
    buckets=SECONDS,
)
ACKNOWLEDGED, SHOWN = TOOK.labels("acknowledged"), TOOK.labels("shown")


def note(done: Attempt) -> None:
    """Count what became of a test vote."""
    PROBES_BY[done.outcome].inc()
    if done.acknowledged is not None:
        ACKNOWLEDGED.observe(done.acknowledged)
    if done.shown is not None:
        SHOWN.observe(done.shown)
