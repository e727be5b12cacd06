"""The picture of a failover: how long a killed primary is noticed, drawn as SVG from the results."""

from collections.abc import Iterable, Sequence

from swarm.outcome import Outcome

PRIMARIES = {
    "redis primary killed": "The Redis primary is killed",
    "postgres primary killed": "The PostgreSQL primary is killed",
}
WIDTH, LEFT, RIGHT = 760, 230, 60
TOP, ROW, GROUP = 48, 28, 124
TICK_SECONDS = 5


def drawing(outcomes: Iterable[Outcome]) -> str:
    """Return the picture of those primaries that were killed."""
    found = [outcome for outcome in outcomes if outcome.fault in PRIMARIES]
    longest = max(max(outcome.unavailable_s, outcome.stale_s, outcome.recovery_s) for outcome in found)
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + GROUP * len(found) + 24
    groups = [line for place, outcome in enumerate(found) for line in _group(outcome, place, scale)]
    return "\n".join([*_frame(height), *_axis(longest, scale, height), *groups, "</svg>", ""])


def _frame(height: int) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="14" fill="#1f2328">',
        "<title>How long voters and viewers notice that a primary was killed</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        '<text x="24" y="30" font-size="17" font-weight="bold">',
        "What a killed primary costs, in seconds</text>",
    ]


def _axis(longest: float, scale: float, height: int) -> list[str]:
    return [
        f'<path d="M{LEFT + tick * scale:.1f} {TOP}V{height - 28}" stroke="#d1d9e0"/>'
        f'<text x="{LEFT + tick * scale:.1f}" y="{height - 10}" text-anchor="middle">{tick}</text>'
        for tick in range(0, int(longest) + 1, TICK_SECONDS)
    ]


def _group(outcome: Outcome, place: int, scale: float) -> Sequence[str]:
    top = TOP + GROUP * place
    runs = "1 run" if outcome.runs == 1 else f"the worst of {outcome.runs} runs"
    bars = (
        ("no vote is acknowledged", outcome.unavailable_s, "#cf222e"),
        ("the results stand still", outcome.stale_s, "#bf8700"),
        ("one server is missing", outcome.recovery_s, "#0969da"),
    )
    heading = f'<text x="24" y="{top + 22}" font-weight="bold">{PRIMARIES[outcome.fault]} ({runs})</text>'
    rows = (_bar(*bar, y=top + 32 + ROW * row, scale=scale) for row, bar in enumerate(bars))
    return [heading, *rows]


def _bar(name: str, seconds: float, colour: str, *, y: int, scale: float) -> str:
    length = seconds * scale
    return (
        f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{name}</text>'
        f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="20" rx="2" fill="{colour}"/>'
        f'<text x="{LEFT + length + 8:.1f}" y="{y + 15}">{seconds:.1f}</text>'
    )
