"""The dashboard of the platform: machines, containers, edges, the certificate, and the monitoring itself."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.panels import BAD, GOOD, WARNING, Query, figure, lines, listing, page, within

# An instance is an address; this has the machine's name.
BY_NAME = "* on (instance) group_left (nodename) node_uname_info"
EDGES = 'entrypoint=~"web|websecure"'
DISKS = 'fstype!~"tmpfs|ramfs|squashfs|iso9660"'
ANSWERS = "traefik_entrypoint_request_duration_seconds_bucket"
FIRING = 'ALERTS{alertstate="firing", alertname!="Watchdog"}'


def dashboard() -> Dashboard:
    """Return the dashboard."""
    says = "Machines, containers, edges, and the monitoring."
    return page("vote-app-platform", "Platform", says, [*FIGURES, *CURVES, ALERTS])


FIGURES = (
    figure(
        "Alerts",
        "That fire now. Normal is 0.",
        Query(f"count({FIRING}) or vector(0)", "alerts"),
        limits=[(1, BAD)],
    ),
    figure(
        "Silent",
        "What Prometheus asks and gets no answer from. Normal is 0.",
        Query("count(up == 0) or vector(0)", "targets"),
        limits=[(1, WARNING)],
    ),
    figure("Machines", "Nodes of the Swarm that answer.", Query("count(node_uname_info)", "machines")),
    figure(
        "Certificate",
        "Time until it ends. It is renewed when a third of its life is left.",
        Query("max(vote_app_certificate_not_after_seconds) - time()", "left"),
        "s",
        limits=[(0, BAD), (2 * 86400, WARNING), (3 * 86400, GOOD)],
    ),
    figure(
        "Errors of the edges, last hour",
        "Answers that were 500 or more. Normal is 0; a failover may make a few.",
        Query(
            f'sum(increase(traefik_entrypoint_requests_total{{{EDGES}, code=~"5.."}}[1h]))'
            " or 0 * count(traefik_config_reloads_total)",
            "errors",
        ),
        limits=[(1, WARNING), (100, BAD)],
        width=8,
    ),
)

CURVES = (
    lines(
        "Answers of the edges, a second",
        "By their status. Browsers that vote get 200.",
        [
            Query(
                f"sum by (code) (rate(traefik_entrypoint_requests_total{{{EDGES}}}[$__rate_interval]))",
                "{{code}}",
            )
        ],
        "reqps",
        stacked=True,
    ),
    lines(
        "Time of the edges' answers",
        "Without WebSockets, which last as long as a page is open. Some ten milliseconds are normal.",
        [
            within(ANSWERS, 0.5, f'{{{EDGES}, protocol="http"}}'),
            within(ANSWERS, 0.95, f'{{{EDGES}, protocol="http"}}'),
        ],
        "s",
    ),
    lines(
        "Processor of each machine",
        "Share that is in use. For long above 90 % votes take longer.",
        [
            Query(
                '(1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval])))'
                f" {BY_NAME}",
                "{{nodename}}",
            )
        ],
        "percentunit",
        limits=[(0.9, WARNING)],
        most=1,
    ),
    lines(
        "Memory of each machine",
        "Share that is in use and cannot be taken back.",
        [
            Query(
                f"(1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) {BY_NAME}", "{{nodename}}"
            )
        ],
        "percentunit",
        limits=[(0.9, WARNING)],
        most=1,
    ),
    lines(
        "Free on the disks",
        "An alert comes below 15 %, and again below 5 %.",
        [
            Query(
                f"min by (instance, device) (node_filesystem_avail_bytes{{{DISKS}}}"
                f" / node_filesystem_size_bytes{{{DISKS}}}) {BY_NAME}",
                "{{nodename}} {{device}}",
            )
        ],
        "percentunit",
        most=1,
    ),
    lines(
        "Memory of our containers",
        "Share of the limit. An alert comes above 90 % for 10 minutes.",
        [
            Query(
                "max by (job, instance) (vote_app_cgroup_memory_bytes / vote_app_cgroup_memory_limit_bytes)",
                "{{job}} {{instance}}",
            )
        ],
        "percentunit",
        limits=[(0.9, WARNING)],
        most=1,
    ),
    lines(
        "Processor of our containers",
        "In cores.",
        [
            Query(
                "sum by (job, instance) (rate(vote_app_cgroup_cpu_seconds_total[$__rate_interval]))",
                "{{job}} {{instance}}",
            )
        ],
    ),
    lines(
        "Time that Prometheus asks for",
        "The longest answer of each job. After 10 seconds it counts as silent.",
        [Query("max by (job) (scrape_duration_seconds)", "{{job}}")],
        "s",
        limits=[(10, BAD)],
    ),
)

ALERTS = listing(
    "What fires",
    "The Watchdog always fires: so one sees that alerts are decided.",
    Query('ALERTS{alertstate="firing"}', ""),
    ["Time", "Value", "__name__", "alertstate"],
)
