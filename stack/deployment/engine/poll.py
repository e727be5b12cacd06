"""The poll, as this node's observer reads and changes it in the database."""

import json
from collections.abc import Mapping
from typing import Any

from deployment.engine import observer
from deployment.engine.machine.engine import Client

PROGRAM = ("python", "-m", "observer.poll")


def show(client: Client) -> dict[str, Any]:
    """Return the poll that there is, and the archives; raise DeployError where nobody can say."""
    return observer.answer(client, *PROGRAM, "show")


def change(client: Client, verb: str, number: int, told: Mapping[str, Any] | None = None) -> None:
    """Close, open, archive or begin the poll after a number; does nothing if there is another by now."""
    more = ("--told", json.dumps(told)) if told else ()
    observer.answer(client, *PROGRAM, verb, str(number), *more)
