"""The README's table of faults, and docs/faults.md: `python -m swarm.table` writes both from the results."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from deployment.layout import ROOT
from swarm import families, results
from swarm.catalogue import FAULTS
from swarm.outcome import Outcome

README = ROOT / "README.md"
WHOLE = ROOT / "docs" / "faults.md"
MARKER = "<!-- faults -->"
HEADINGS = (
    *("fault", "runs", "acknowledged", "lost", "doubled", "refused"),
    *("no vote acknowledged for (s)", "results stood still (s)", "full strength after (s)"),
)


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table, its total, and where, when and of which source it was measured."""
    lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *map(_cells, outcomes)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    where = "; ".join(_places(outcomes))
    return f"{table}\n\n{_total(outcomes)}. Measured on {where}." if where else table


def _total(outcomes: Sequence[Outcome]) -> str:
    whole = results.merged(outcomes)
    counts = f"{whole.acknowledged:,} votes acknowledged, {whole.lost} lost, {whole.doubled} doubled"
    return f"In all {whole.runs:,} runs, {counts}"


def _cells(outcome: Outcome) -> tuple[str, ...]:
    counts = (outcome.runs, outcome.acknowledged, outcome.lost, outcome.doubled, outcome.refused)
    times = (outcome.unavailable_s, outcome.stale_s, outcome.recovery_s)
    name = outcome.fault if outcome.passed else f"**{outcome.fault}**"
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


def pages() -> dict[Path, str]:
    """Return what the two files should hold: the README families of faults, the other each fault."""
    order = {fault.name: position for position, fault in enumerate(FAULTS)}
    outcomes = sorted(results.load(results.RECORD), key=lambda row: order.get(row.fault, len(order)))
    tables = {README: markdown(families.summary(outcomes)), WHOLE: markdown(outcomes)}
    return {path: rewritten(path.read_text(), table) for path, table in tables.items()}


def main() -> None:
    """Rewrite both."""
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
