"""`deploy.py seed`."""

from typing import Annotated

import typer

from deployment.cli.options import Yes, manager
from deployment.operations.votes import seed as seed_verb
from deployment.progress import Progress

app = typer.Typer()


@app.command()
def seed(
    votes: Annotated[int, typer.Option(min=1, help="How many, each of a new voter.")] = 3000,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="At most so many a second; else as fast as they are taken.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Vote as many new voters do, two of three for the first option, and say what is stored."""
    try:
        report = seed_verb.seed(manager(), Progress(), votes, rate, yes=yes)
    except KeyboardInterrupt:  # before the first vote, or a second time
        raise typer.Exit(130) from None
    print("\n".join(report.lines()))
    raise typer.Exit(report.exit_code)
