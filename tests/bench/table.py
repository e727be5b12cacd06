"""The README's table of speed: `python -m bench.table` writes it from the recorded figures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figure import Figure
from bench.report import number
from deployment.layout import ROOT
from kit.readme import README, rewritten

RECORD = ROOT / "tests" / "bench" / "results.json"
MARKER = "<!-- speed -->"
HEADINGS = ("what", "median", "min to max", "unit", "compared with", "ratio", "aimed at")


def markdown(figures: Sequence[Figure]) -> str:
    """Return the table; what misses its aim is bold."""
    lines = [HEADINGS, ("---", "---:", "---:", "---", "---", "---:", "---:"), *map(_cells, figures)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name if figure.met else f"**{figure.name}**",
        number(figure.median),
        f"{number(figure.min)} to {number(figure.max)}",
        figure.unit,
        figure.against,
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        figure.target,
    )


def recorded(path: Path = RECORD) -> list[Figure]:
    """Return the figures of a file that the bench wrote."""
    rows: list[Mapping[str, Any]] = json.loads(path.read_text())
    return [Figure(**row) for row in rows]


def main() -> None:
    """Bring the README up to date."""
    README.write_text(rewritten(README.read_text(), markdown(recorded()), MARKER))


if __name__ == "__main__":
    main()
