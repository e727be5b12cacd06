"""The table of speed in docs/speed.md: `python -m bench.table` writes it from the recorded figures."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figure import Figure
from bench.report import number
from deployment.configuration.layout import ROOT
from kit.documents import rewritten

PAGE = ROOT / "docs" / "speed.md"
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


def page() -> str:
    """Return what docs/speed.md should hold."""
    return rewritten(PAGE.read_text(), markdown(recorded()), MARKER)


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
