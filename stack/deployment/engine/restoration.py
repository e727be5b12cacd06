"""Having the runner of the backups bring the votes of a moment back, part by part."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from deployment.engine import backup as runner
from deployment.engine.machine.engine import Client
from deployment.errors import DeployError

VOTING = (
    "`python3 deploy.py status` says whether votes are taken. `python3 deploy.py maintenance off` takes them "
    "again: if the votes have not changed their place yet, this gives the restore up."
)
AGAIN = f"Run the same command again: it goes on from here. {VOTING}"


def advised(remedy: str) -> str:
    """Return what is to be done, and how votes are taken again, if that does not say so."""
    return remedy if VOTING in remedy else f"{remedy} {VOTING}"


def part(
    client: Client,
    name: str,
    mark: str,
    options: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
) -> Any:
    """Do a part, which is safe to repeat, and return what is known then; raise DeployError."""
    printed, said, code = runner.watched(client, say or (lambda _: None), *_verb(name, mark, options))
    if code == 0:
        return json.loads(printed)
    if code is None:
        raise DeployError(f"The runner of the backups has ended while it worked ({name}).", AGAIN, said)
    reason = said[-1].removeprefix("ERROR: ") if said else f"exit code {code}"
    raise DeployError(f"The runner of the backups could not do it ({name}): {reason}.", AGAIN, said[:-1])


def later(client: Client, mark: str) -> Iterator[str]:
    """Yield the votes that are newer than the copy, a line of JSON each; raise DeployError."""
    return runner.output(client, *_verb("later", mark, ()))


def _verb(name: str, mark: str, options: Sequence[str]) -> tuple[str, ...]:
    return ("restore", name, mark, *options)
