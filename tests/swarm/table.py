"""What the documents say of the faults: `python -m swarm.table` writes it from the results."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deployment.configuration.layout import ROOT
from kit.documents import README, rewritten
from swarm import failover, families, results
from swarm.catalogue import FAULTS
from swarm.faults.fault import Fault
from swarm.outcome import Outcome

WHOLE = ROOT / "docs" / "faults.md"
PICTURE = ROOT / "docs" / "plots" / "failover.svg"
MARKER = "<!-- faults -->"
FAMILIES_MARKER = "<!-- families -->"
HEADINGS = (
    *("fault", "runs", "acknowledged", "lost", "doubled", "refused"),
    *("no vote acknowledged for (s)", "results stood still (s)", "full strength after (s)"),
)


def markdown(outcomes: Sequence[Outcome], faults: Mapping[str, Fault] | None = None) -> str:
    """Return the table, its total, and where, when and of which source it was measured.

    With `faults`, each figure stands before what that fault may cost, and those that CI runs are marked.
    """
    cells = [_cells(row, faults.get(row.fault) if faults else None) for row in outcomes]
    lines = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *cells]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    where = "; ".join(_places(outcomes))
    return f"{table}\n\n{_total(outcomes)}. Measured on {where}." if where else table


def _total(outcomes: Sequence[Outcome]) -> str:
    whole = results.merged(outcomes)
    counts = f"{whole.acknowledged:,} votes acknowledged, {whole.lost} lost, {whole.doubled} doubled"
    return f"In all {whole.runs:,} runs, {counts}"


def _cells(outcome: Outcome, fault: Fault | None) -> tuple[str, ...]:
    counts = (outcome.runs, outcome.acknowledged, outcome.lost, outcome.doubled, outcome.refused)
    times = (outcome.unavailable_s, outcome.stale_s, outcome.recovery_s)
    name = outcome.fault if outcome.passed else f"**{outcome.fault}**"
    figures = [*(f"{count:,}" for count in counts), *(f"{seconds:.1f}" for seconds in times)]
    if fault is None:
        return (name, *figures)
    costly = [f"{figure} / {limit}" for figure, limit in zip(figures[4:], _limits(fault), strict=True)]
    return (f"{name} †" if fault.ci else name, *figures[:4], *costly)


def _limits(fault: Fault) -> tuple[str, ...]:
    limits = fault.limits
    refused = (limits.refused, limits.refused_at_edge)
    allowed = None if None in refused else sum(count or 0 for count in refused)
    values = (allowed, limits.unavailable_s, limits.stale_s, limits.recovery_s)
    return tuple("any" if value is None else f"{value:g}" for value in values)


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


def proof(outcomes: Sequence[Outcome]) -> str:
    """Return in one sentence what all runs together have shown."""
    whole = results.merged(outcomes)
    return (
        f"{len({row.fault for row in outcomes})} faults in {whole.runs:,} runs: {whole.acknowledged:,} votes "
        f"acknowledged, **{whole.lost} lost, {whole.doubled} counted twice**."
    )


def pages() -> dict[Path, str]:
    """Return what each file should hold: the README the sum, docs/faults.md both tables, and the picture."""
    faults = {fault.name: fault for fault in FAULTS}
    order = {name: position for position, name in enumerate(faults)}
    outcomes = sorted(results.load(results.RECORD), key=lambda row: order.get(row.fault, len(order)))
    whole = rewritten(WHOLE.read_text(), markdown(families.summary(outcomes)), FAMILIES_MARKER)
    return {
        README: rewritten(README.read_text(), proof(outcomes), MARKER),
        WHOLE: rewritten(whole, markdown(outcomes, faults), MARKER),
        PICTURE: failover.drawing(outcomes),
    }


def main() -> None:
    """Rewrite them."""
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
