"""What a panel is here: a title, what is normal, a unit, limits, and what Prometheus is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

GOOD, WARNING, BAD = "green", "orange", "red"
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${source}")
# Observers count what they see, each for itself: the one that saw most is right.
FAILOVERS = (
    dashboard.AnnotationQuery()
    .name("Failovers").datasource(SOURCE).enable(True).icon_color(WARNING)
    .expr("max by (cluster) (increase(vote_app_failovers_total[1m])) > 0")
)  # fmt: skip


@dataclass(frozen=True)
class Query:
    """A question to Prometheus, and what its answers are called: `{{label}}` stands for a label's value."""

    expr: str
    legend: str


def seen(metric: str) -> str:
    """Return what observers see now: one that looks no more goes on telling its last picture."""
    return f"{metric} and on (instance) vote_app_picture_age_seconds < 30"


def within(buckets: str, share: float, labels: str = "", of_the_last: str = "$__rate_interval") -> Query:
    """Return the question within what time this share of what a histogram counts was done."""
    rates = f"sum by (le) (rate({buckets}{labels}[{of_the_last}]))"
    return Query(f"histogram_quantile({share}, {rates})", f"{share:.0%} within")


def figure(
    title: str,
    normal: str,
    query: Query,
    unit: str = "short",
    *,
    limits: Sequence[tuple[float, str]] = (),
    words: Mapping[str, str] | None = None,
    width: int = 4,
) -> stat.Panel:
    """Return a panel of single numbers; from each limit on they have its colour, and words replace them."""
    panel = (
        stat.Panel()
        .title(title).description(normal).datasource(SOURCE).unit(unit)
        .span(width).height(4)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.NONE)
        .thresholds(_thresholds(limits))
        .with_target(_target(query, "A"))
    )  # fmt: skip
    if words:
        mapping: models.ValueMapping = models.ValueMap(
            {v: models.ValueMappingResult(w) for v, w in words.items()}
        )
        panel.mappings([mapping])
    return panel


def lines(
    title: str,
    normal: str,
    queries: Sequence[Query],
    unit: str = "short",
    *,
    limits: Sequence[tuple[float, str]] = (),
    most: float | None = None,
    stacked: bool = False,
) -> timeseries.Panel:
    """Return a panel of curves over time, half as wide as the page; each limit is a line across it."""
    panel = (
        timeseries.Panel()
        .title(title).description(normal).datasource(SOURCE).unit(unit).min(0)
        .span(12).height(8)
        .legend(common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
        .fill_opacity(20 if stacked else 5)
        .show_points(options.VisibilityMode.NEVER)
        .thresholds(_thresholds(limits))
    )  # fmt: skip
    if most is not None:
        panel.max(most)
    if limits:
        panel.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        )
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    for letter, query in zip("ABCD", queries, strict=False):
        panel.with_target(_target(query, letter))
    return panel


def listing(title: str, normal: str, query: Query, hidden: Sequence[str]) -> table.Panel:
    """Return a panel that lists what a query finds, a column for each label but the hidden ones."""
    target = _target(query, "A").format(PromQueryFormat.TABLE).instant()
    without = models.DataTransformerConfig("organize", options={"excludeByName": dict.fromkeys(hidden, True)})
    return (
        table.Panel()
        .title(title).description(normal).datasource(SOURCE)
        .span(24).height(8)
        .with_target(target).with_transformation(without)
    )  # fmt: skip


def page(uid: str, title: str, says: str, panels: Sequence[Builder[models.Panel]]) -> models.Dashboard:
    """Return a dashboard with these panels, each failover marked on all its curves."""
    built = (
        dashboard.Dashboard(title)
        .uid(uid).description(says).tags(["vote-app"])
        .readonly().timezone("browser").refresh("30s").time("now-1h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
        .link(dashboard.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS).tags(["vote-app"]))
        .annotation(FAILOVERS)
    )  # fmt: skip
    for number, panel in enumerate(panels, 1):
        panel.build().id_val = number
        built.with_panel(panel)
    return built.build()


def _target(query: Query, letter: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(query.expr).legend_format(query.legend).ref_id(letter).datasource(SOURCE).range()
    )  # fmt: skip


def _thresholds(limits: Sequence[tuple[float, str]]) -> dashboard.ThresholdsConfig:
    """Return steps of colour; below the first limit all is as it should be."""
    first = models.Threshold(None, GOOD)
    steps = [first, *(models.Threshold(value, colour) for value, colour in limits)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)
