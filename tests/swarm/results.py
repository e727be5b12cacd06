"""Outcomes of faults in a file: several runs of one fault of one source become one row."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from deployment.configuration.layout import ROOT, STACK_FILE
from deployment.engine.images import images
from deployment.operations.release import source
from swarm.outcome import Costs, Outcome

RECORD = Path(__file__).parent / "results.json"


def outcome(fault: str, costs: Costs, *, passed: bool, machine: str, source: str) -> Outcome:
    """Return one run as a row."""
    return Outcome(
        fault=fault,
        runs=1,
        acknowledged=costs.acknowledged,
        lost=costs.lost,
        doubled=costs.doubled,
        refused=costs.refused + costs.refused_at_edge,
        unavailable_s=costs.unavailable_s,
        stale_s=costs.stale_s,
        recovery_s=costs.recovery_s,
        passed=passed,
        date=datetime.now(UTC).date().isoformat(),
        machine=machine,
        source=source,
    )


def merge(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return a row for each fault and source, in order of their first run: sums, worst times, last date."""
    rows: dict[tuple[str, str], list[Outcome]] = {}
    for each in outcomes:
        rows.setdefault((each.fault, each.source), []).append(each)
    return [merged(runs) for runs in rows.values()]


def merged(runs: Sequence[Outcome]) -> Outcome:
    """Return one row for several: sums, worst times, and the name and date of the last."""
    last = max(runs, key=lambda run: run.date)
    return Outcome(
        fault=last.fault,
        runs=sum(run.runs for run in runs),
        acknowledged=sum(run.acknowledged for run in runs),
        lost=sum(run.lost for run in runs),
        doubled=sum(run.doubled for run in runs),
        refused=sum(run.refused for run in runs),
        unavailable_s=max(run.unavailable_s for run in runs),
        stale_s=max(run.stale_s for run in runs),
        recovery_s=max(run.recovery_s for run in runs),
        passed=all(run.passed for run in runs),
        date=last.date,
        machine=last.machine,
        source=last.source,
    )


def load(path: Path) -> list[Outcome]:
    """Read a file of results; none if there is no such file."""
    return [Outcome(**row) for row in json.loads(path.read_text())] if path.exists() else []


def save(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Add outcomes to those that a file holds already; a row of another source gives way."""
    latest = {row.fault: row.as_row() for row in merge([*load(path), *outcomes])}
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps([*latest.values()], indent=2) + "\n")
    temporary.replace(path)


def this_source() -> str:
    """Return a hash of all that this checkout's stack is made of: the same wherever it is brought up."""
    parts = [images.reference(component, "") for component in images.COMPONENTS]
    parts += [STACK_FILE.read_text(), *((ROOT / path).read_text() for path in source.CONFIGS.values())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
