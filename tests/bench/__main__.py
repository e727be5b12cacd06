"""`deploy.py bench`: measure, print the table, write it down."""

import json
from pathlib import Path
from typing import Annotated

import psycopg
import pytest
import requests
import typer
from redis import RedisError

from bench import (
    backlog,
    closed_loop,
    cost,
    endurance,
    plot,
    refresh,
    report,
    rest,
    showing,
    sizing,
    storing,
    voting,
)
from bench.closed_loop import RefusedError
from bench.figure import Figure
from bench.run import Run
from deployment.progress import Progress
from kit.containers import DockerError
from kit.images import reference

PARTS = {
    "voting": voting.measure,
    "storing": storing.measure,
    "backlog": backlog.measure,
    "showing": showing.measure,
    "refresh": refresh.measure,
    "cost": cost.measure,
    "sizing": sizing.measure,
    "rest": rest.measure,
    "endurance": endurance.measure,
}
# Half an hour is more than whoever asks for everything expects.
ASKED_FOR = "endurance"
PARTS_HELP = f"Of {', '.join(PARTS)}; none: all but {ASKED_FOR}."
COMPONENTS = ("vote", "worker", "result", "redis", "haproxy", "postgres", "pgpool", "traefik")
# What says that the parts did not do what they are measured at; whatever else is raised is a mistake of ours.
NOT_MEASURED = (
    *(RefusedError, LookupError, AssertionError, OSError),
    *(DockerError, psycopg.Error, RedisError, requests.RequestException),
)
ROUNDS = 5
SECONDS = 10.0
MINUTES = 30.0


def bench(
    parts: Annotated[list[str] | None, typer.Argument(help=PARTS_HELP)] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each figure is measured.")] = ROUNDS,
    seconds: Annotated[float, typer.Option(min=1, help="How long a rate is measured.")] = SECONDS,
    minutes: Annotated[float, typer.Option(min=0.1, help=f"How long {ASKED_FOR} lasts.")] = MINUTES,
    file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, writable=True, help="Write the table here, too.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Draw the curves into this folder.")
    ] = None,
) -> None:
    """Measure how close the stack comes to the limits of its parts, on containers of the bench's own."""
    chosen = parts or [part for part in PARTS if part != ASKED_FOR]
    if unknown := [part for part in chosen if part not in PARTS]:
        raise typer.BadParameter(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    _require_images()
    run = Run(rounds, seconds, minutes, Progress())
    run.progress.say(report.machine())
    closed_loop.build(run.progress)
    figures: list[Figure] = []
    try:
        failed = [part for part in chosen if not _measure(part, run, figures, plots)]
    finally:
        report.console().print(report.table(figures))
        if file:
            file.write_text(json.dumps([figure.as_row() for figure in figures], indent=2) + "\n")
    raise typer.Exit(1 if failed else 0)


def _require_images() -> None:
    try:
        for component in COMPONENTS:
            reference(component)
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        raise SystemExit(str(missing)) from missing


def _measure(part: str, run: Run, figures: list[Figure], plots: Path | None) -> bool:
    """Add a part's figures and draw its curves; say why, and return False, if it cannot be measured."""
    try:
        for outcome in PARTS[part](run):
            if isinstance(outcome, Figure):
                figures.append(outcome)
                run.progress.say(f"    {report.line(outcome)}")
            elif plots:
                run.progress.say(f"    {plot.draw(outcome, plots)}")
    except NOT_MEASURED as error:
        run.progress.say(f"  {part} was not measured: {error}")
        return False
    return True


if __name__ == "__main__":
    typer.run(bench)
