"""The bench's figures as a table, and the machine that they are of."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from bench.figure import Figure
from deployment.engine.machine import engine
from kit.machine import this_machine

FILE_WIDTH = 180


def machine() -> str:
    """Describe this machine."""
    client = engine.connect()
    return this_machine(client.version()["Version"] if client else "none")


def line(figure: Figure) -> str:
    """Say one figure in a line."""
    held = f", {figure.ratio:.2f} of {figure.against}" if figure.ratio is not None else ""
    verdict = f" ({'ok' if figure.met else 'MISSED'}: {figure.target})" if figure.target else ""
    return f"{figure.name}: {number(figure.median)} {figure.unit}{held}{verdict}"


def console() -> Console:
    """Return where the table is printed: one that is as wide as it where nobody's terminal is narrower."""
    shown = Console()
    return shown if shown.is_terminal else Console(width=FILE_WIDTH)


def table(figures: Iterable[Figure]) -> Table:
    """Lay all figures out."""
    columns = ("what", "median", "min", "max", "unit", "against", "ratio", "target", "met")
    shown = Table(*columns)
    for figure in figures:
        shown.add_row(
            figure.name,
            *map(number, (figure.median, figure.min, figure.max)),
            figure.unit,
            figure.against,
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.target,
            ("yes" if figure.met else "NO") if figure.target else "",
        )
    return shown


def number(value: float) -> str:
    """Write a number with three digits that count, or as a whole one."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
