"""The dashboard of the data tier: the queue's and the database's nodes, and the way between them."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.panels import BAD, GOOD, WARNING, Query, figure, lines, page, seen, within

MIB = 1024 * 1024
# The exporter asks the Sentinels, too.
NODES = 'instance=~"redis-.+"'


def dashboard() -> Dashboard:
    """Return the dashboard."""
    says = "The queue (Redis) and the database (PostgreSQL)."
    return page("vote-app-data-tier", "Data tier", says, [*FIGURES, *CURVES])


FIGURES = (
    figure(
        "Primaries",
        "Each cluster has one. Without one it elects another within some ten seconds.",
        Query(f"max by (cluster) ({seen('vote_app_cluster_primary')})", "{{cluster}}"),
        words={"0": "none", "1": "one"},
        limits=[(0, BAD), (1, GOOD)],
        width=6,
    ),
    figure(
        "Followers",
        "Two of each cluster. With one, all goes on; the next loss stops it.",
        Query(f"max by (cluster) ({seen('vote_app_cluster_followers')})", "{{cluster}}"),
        limits=[(0, BAD), (1, WARNING), (2, GOOD)],
        width=6,
    ),
    figure(
        "Standby that confirms",
        "PostgreSQL commits only what a standby confirms. Without one the votes wait.",
        Query(f"max({seen('vote_app_postgres_synchronous')})", "synchronous"),
        words={"0": "none", "1": "yes"},
        limits=[(0, BAD), (1, GOOD)],
        width=6,
    ),
    figure(
        "Failovers, last day",
        "Changes of a primary. Each planned update of a cluster makes one, too.",
        Query("max by (cluster) (increase(vote_app_failovers_total[1d]))", "{{cluster}}"),
        limits=[(1, WARNING)],
        width=6,
    ),
)

CURVES = (
    lines(
        "Behind the primary",
        "Some kilobytes are normal. An alert comes at 16 MiB for 5 minutes.",
        [Query(f"min by (cluster, node) ({seen('vote_app_replication_lag_bytes')})", "{{node}}")],
        "bytes",
        limits=[(16 * MIB, WARNING)],
    ),
    lines(
        "Commits of the database, a second",
        "Of the primary. Without votes it is the pulse: a few in a second.",
        [Query('max(rate(pg_stat_database_xact_commit{datname="votes"}[$__rate_interval]))', "commits")],
        "ops",
    ),
    lines(
        "Time of a commit of votes",
        "Until a standby has it, too. Ten to fifty milliseconds are normal, more after a failover.",
        [
            within("vote_app_commit_seconds_bucket", 0.5),
            within("vote_app_commit_seconds_bucket", 0.99),
        ],
        "s",
        limits=[(1, WARNING)],
    ),
    lines(
        "Votes in a batch",
        "It grows with the load: large batches are how a backlog is caught up with.",
        [
            Query(
                "sum(rate(vote_app_batch_votes_sum[$__rate_interval]))"
                " / sum(rate(vote_app_batch_votes_count[$__rate_interval]))",
                "mean",
            )
        ],
    ),
    lines(
        "Journal of the database",
        "What each node has on its disk, and what is kept for a standby. At 2 GiB a standby loses its place.",
        [
            Query("max by (instance) (pg_wal_size_bytes)", "{{instance}}"),
            Query("max by (slot_name) (pg_replication_slots_pg_wal_lsn_diff)", "kept for {{slot_name}}"),
        ],
        "bytes",
        limits=[(1024 * MIB, WARNING)],
    ),
    lines(
        "Connections of the database",
        "Some ten on each node, and far from the limit.",
        [
            Query("sum by (instance) (pg_stat_activity_count)", "{{instance}}"),
            Query("min(pg_settings_max_connections)", "limit"),
        ],
    ),
    lines(
        "Memory of the queue",
        "Nearly empty while workers keep up. At its limit votes are refused.",
        [
            Query(f"max by (instance) (redis_memory_used_bytes{{{NODES}}})", "{{instance}}"),
            Query(f"max(redis_memory_max_bytes{{{NODES}}} > 0)", "limit"),
        ],
        "bytes",
    ),
    lines(
        "Commands of the queue, a second",
        "Most are the primary's. Those of replicas are what they copy.",
        [
            Query(
                f"sum by (instance) (rate(redis_commands_processed_total{{{NODES}}}[$__rate_interval]))",
                "{{instance}}",
            )
        ],
        "ops",
    ),
    lines(
        "Nodes that a proxy of the queue leads to",
        "Each proxy leads to one node, the primary.",
        [Query('sum by (instance) (haproxy_server_status{proxy="primary", state="UP"})', "{{instance}}")],
    ),
    lines(
        "Tries of workers that failed, a second",
        "Normal is 0. It rises while the database is away.",
        [Query("sum(rate(vote_app_store_retries_total[$__rate_interval]))", "commits")],
        "ops",
    ),
)
