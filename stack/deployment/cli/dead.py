"""`deploy.py dead`: votes that could not be stored."""

import json
import sys
from typing import Annotated

import typer

from deployment.cli.options import AsJson, Yes, confirm, manager
from deployment.operations import dead

app = typer.Typer(no_args_is_help=True, help="Look at votes that could not be stored, and decide.")


@app.command("list")
def list_dead(
    limit: Annotated[int, typer.Option(min=0, help="Letters to show, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the dead letters: when, which entry, why, and how they begin."""
    found = dead.listing(manager(), limit)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for letter in reversed(found["letters"]):
        print(dead.line(letter))
    print(f"{found['count']} dead letters", file=sys.stderr)


@app.command("export")
def export_dead() -> None:
    """Print every letter whole, as a line of JSON with its bytes in base64; nothing is deleted."""
    for piece in dead.export(manager()):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command("replay")
def replay_dead() -> None:
    """Read all letters once more, as a worker does: those that are votes now are stored, the others stay."""
    done = dead.replay(manager())
    print(f"{done['stored']} letters stored as votes, {done['left']} left")


@app.command("purge")
def purge_dead(yes: Yes = False) -> None:
    """Delete the letters that there are now, for good: they may be votes that were acknowledged."""
    client = manager()
    listed = dead.listing(client, 0)
    if listed["count"]:
        confirm(f"Delete {listed['count']} dead letters for good? (`dead export` keeps a copy.)", yes=yes)
        print(f"{dead.purge(client, listed)} dead letters deleted")
    else:
        print("There are no dead letters.")
