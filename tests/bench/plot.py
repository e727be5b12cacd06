"""Curves of the bench, drawn as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

INCHES = (7, 4)


@dataclass(frozen=True)
class Line:
    """A named line; its second axis, if it has one, is on the right."""

    name: str
    points: Sequence[tuple[float, float]]
    right: bool = False


@dataclass(frozen=True)
class Plot:
    """What is drawn: `name` is the file's, `x`, `y` and `right` say what the axes count and in which unit."""

    name: str
    title: str
    x: str
    y: str
    lines: Sequence[Line]
    right: str = ""
    log_x: bool = False


def draw(plot: Plot, folder: Path) -> Path:
    """Write a plot into a folder; return its file, which is the same for the same points."""
    # Without these, each drawing has the time and names of its own in it.
    with mpl.rc_context({"svg.hashsalt": plot.name, "svg.fonttype": "none", "font.family": "sans-serif"}):
        canvas = Canvas(figsize=INCHES, layout="constrained")
        left = canvas.subplots()
        left.set(title=plot.title, xlabel=plot.x, ylabel=plot.y)
        left.grid(visible=True, alpha=0.3)
        right = left.twinx() if plot.right else left
        if plot.right:
            right.set_ylabel(plot.right)
        if plot.log_x:
            left.set_xscale("log")
        for number, line in enumerate(plot.lines):
            axes = right if line.right else left
            axes.plot(*zip(*line.points, strict=True), marker="o", color=f"C{number}", label=line.name)
        for axes in {left, right}:
            axes.set_ylim(0, 1.05 * axes.dataLim.ymax)
        canvas.legend(loc="outside lower center", ncols=len(plot.lines))
        file = folder / f"{plot.name}.svg"
        canvas.savefig(file, metadata={"Date": None})
    return file
