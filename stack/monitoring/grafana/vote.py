"""The dashboard of the vote: what an audience likes to see, and how long they wait for it."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.panels import BAD, WARNING, Query, figure, lines, page, seen, within

PROBE = "vote_app_probe_seconds_bucket"
WAITING = 'vote_app_account_votes{state=~"queued|settling"}'
ACKNOWLEDGE = "vote_app_vote_acknowledge_seconds_bucket"


def dashboard() -> Dashboard:
    """Return the dashboard."""
    return page("vote-app-vote", "The vote", "Votes, their way, and who watches.", [*FIGURES, *CURVES])


FIGURES = (
    figure(
        "Votes",
        "Voters whose vote is stored. A voter who votes again counts once.",
        Query(f"max({seen('vote_app_votes_stored')})", "votes"),
    ),
    figure(
        "Votes a second",
        "Votes that were acknowledged, those of voters who vote again among them.",
        Query('sum(rate(vote_app_votes_total{outcome="accepted"}[$__rate_interval]))', "votes"),
        "reqps",
    ),
    figure(
        "Viewers",
        "Result pages that are open now.",
        Query("sum(vote_app_viewers)", "viewers"),
    ),
    figure(
        "Poll",
        "Open while the poll is open and the intake lets votes in. A change of release shuts it for moments.",
        Query(f"max({seen('vote_app_poll_open')}) * max({seen('vote_app_intake_open')})", "poll"),
        words={"0": "closed", "1": "open"},
    ),
    figure(
        "Waiting in the queue",
        "Votes that are acknowledged and not yet in the result. A few at most is normal.",
        Query(
            f"max(sum by (instance) ({seen(WAITING)}))",
            "votes",
        ),
        limits=[(1000, WARNING), (100_000, BAD)],
    ),
    figure(
        "Not recorded, last hour",
        "Voters who were told that their vote was NOT recorded. Normal is 0.",
        Query('sum(increase(vote_app_votes_total{outcome="not_recorded"}[1h]))', "votes"),
        limits=[(1, WARNING), (100, BAD)],
    ),
)

CURVES = (
    lines(
        "Answers to votes, a second",
        "Nearly all are `accepted`. `not_recorded` is the stack's fault; the others are not.",
        [Query("sum by (outcome) (rate(vote_app_votes_total[$__rate_interval]))", "{{outcome}}")],
        "reqps",
        stacked=True,
    ),
    lines(
        "Votes of each option",
        "What the result page shows.",
        [Query(f"max by (option) ({seen('vote_app_option_votes')})", "{{option}}")],
    ),
    lines(
        "Time to acknowledge",
        "Until two nodes of the queue have it. Some milliseconds are normal; the goal is 99 % within 1 s.",
        [within(ACKNOWLEDGE, 0.5), within(ACKNOWLEDGE, 0.95), within(ACKNOWLEDGE, 0.99)],
        "s",
        limits=[(1, BAD)],
    ),
    lines(
        "Age of the oldest vote in the queue",
        "Below a second is normal. An alert comes at 10 seconds.",
        [Query(f"max({seen('vote_app_queue_oldest_seconds')})", "oldest")],
        "s",
        limits=[(10, BAD)],
    ),
    lines(
        "Into the database, a second",
        "Follows the acknowledged votes. What lies between them waits in the queue.",
        [
            Query('sum(rate(vote_app_votes_total{outcome="accepted"}[$__rate_interval]))', "acknowledged"),
            Query("sum(rate(vote_app_stored_votes_total[$__rate_interval]))", "stored"),
        ],
        "reqps",
    ),
    lines(
        "Age of the result on the pages",
        "Time since a page's server last read the tally. Below 2 seconds is normal.",
        [Query("max by (instance) (vote_app_result_age_seconds)", "{{instance}}")],
        "s",
        limits=[(10, BAD)],
    ),
    lines(
        "From a vote to the screen",
        "Of a vote that the prober makes up each minute. Below a second is normal.",
        [
            within(PROBE, 0.5, '{until="shown"}', "10m"),
            within(PROBE, 0.95, '{until="shown"}', "10m"),
        ],
        "s",
        limits=[(5, WARNING)],
    ),
    lines(
        "Kept for a failover",
        "Votes of the last 30 seconds, and those that came again into the queue of another primary.",
        [
            Query("sum(vote_app_ledger_votes)", "kept"),
            Query("sum(increase(vote_app_replayed_votes_total[$__rate_interval]))", "replayed"),
        ],
    ),
)
