"""The table of faults in the README: `python -m swarm.table` writes it from the recorded results."""

from collections.abc import Iterable, Sequence

from deployment.layout import ROOT
from swarm import results
from swarm.outcome import Outcome

README = ROOT / "README.md"
MARKER = "<!-- faults -->"
HEADINGS = (
    *("fault", "runs", "acknowledged", "lost", "doubled", "refused"),
    *("no vote acknowledged for (s)", "results stood still (s)", "full strength after (s)"),
)


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table, and on which machine, when and of which sources its rows were measured."""
    lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *map(_cells, outcomes)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    where = "; ".join(_places(outcomes))
    return f"{table}\n\nMeasured on {where}." if where else table


def _cells(outcome: Outcome) -> tuple[str, ...]:
    counts = (outcome.runs, outcome.acknowledged, outcome.lost, outcome.doubled, outcome.refused)
    times = (outcome.unavailable_s, outcome.stale_s, outcome.recovery_s)
    name = outcome.fault if outcome.passed else f"**{outcome.fault} (not within its limits)**"
    return (name, *(f"{count:,}" for count in counts), *(f"{seconds:.1f}" for seconds in times))


def _places(outcomes: Iterable[Outcome]) -> list[str]:
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.machine, []).append(outcome)
    return [
        f"{machine}, {_span(sorted({row.date for row in rows}))}{_sources(rows)}"
        for machine, rows in found.items()
    ]


def _sources(rows: Iterable[Outcome]) -> str:
    known = dict.fromkeys(row.source for row in rows if row.source)
    return f", source{'s' * (len(known) > 1)} {', '.join(known)}" if known else ""


def _span(dates: Sequence[str]) -> str:
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def rewritten(text: str, table: str) -> str:
    """Return a text with the table between its two markers; raise ValueError if they are not there."""
    before, _, after = text.split(MARKER)
    return f"{before}{MARKER}\n{table}\n{MARKER}{after}"


def main() -> None:
    """Rewrite the README."""
    README.write_text(rewritten(README.read_text(), markdown(results.load(results.RECORD))))


if __name__ == "__main__":
    main()
