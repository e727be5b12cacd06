"""`deploy.py lock` and `unlock`."""

from typing import Annotated

import typer

from deployment.cli.options import Yes, confirm, manager
from deployment.engine.records import turns
from deployment.operations import hold

app = typer.Typer()


@app.command("lock")
def take_lock(
    message: Annotated[str, typer.Option("--message", "-m", help="What others should know.")] = "",
) -> None:
    """Keep everybody from deploying, on any manager, until `unlock`."""
    print(hold.take(manager(), message))


@app.command()
def unlock(yes: Yes = False) -> None:
    """Give the lock back, whoever has it."""
    client = manager()
    seen = turns.read(client)
    if seen is None:
        print("Nobody has the lock.")
        return
    if not seen.holder.by_hand:
        confirm(f"{seen.holder.sentence()}. It may be at work: take the lock from it?", yes=yes)
    print(hold.give_back(client, seen))
