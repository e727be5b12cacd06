"""`deploy.py poll`: a poll is open, closed, final when all its votes are stored, and archived."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deployment.configuration.layout import STACK
from deployment.configuration.settings import Settings
from deployment.engine import poll as engine_poll
from deployment.engine.machine.engine import Client
from deployment.engine.swarm import services
from deployment.errors import DeployError
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.plan.cluster import strength
from deployment.plan.cluster.picture import ARCHIVED, FINAL, OPEN, Picture, Poll
from deployment.plan.release.options import Options
from deployment.progress import Progress

FINAL_SECONDS = 300
# A failover of the database is over by then, and an observer that was replaced has asked.
ANSWER_SECONDS = 30
POLL_SECONDS = 1.0


class Change:
    """One poll, meant by its number, has come a step further."""

    touches = False

    def __init__(self, number: int) -> None:
        self.number = number

    def poll(self, site: Site) -> Poll | None:
        """Return the poll that is meant; None when there is a later one."""
        found = present(site)
        if found.number < self.number:
            raise DeployError(
                f"There is no poll {self.number} yet: this is poll {found.number}.",
                "Look at `python3 deploy.py poll status`.",
            )
        return found if found.number == self.number else None


class Closed(Change):
    """No more votes are taken."""

    def missing(self, site: Site) -> list[str]:
        """Say so until the primary of the queue, which decides, takes no more."""
        poll = self.poll(site)
        if poll is None or (poll.state != OPEN and poll.over):
            return []
        return [f"close poll {self.number}: no more votes are taken"]

    def do(self, site: Site) -> None:
        """Close it; a worker tells the queue within two seconds."""
        engine_poll.change(site.engine, "close", self.number)


class Opened(Change):
    """Votes are taken again."""

    def missing(self, site: Site) -> list[str]:
        """Say so until the queue takes them; raise DeployError for a poll that is archived."""
        poll = self.poll(site)
        if poll is None or poll.state == ARCHIVED:
            raise DeployError(
                f"Poll {self.number} is archived: its numbers are kept for good. Nothing was changed.",
                "Begin the next one: python3 deploy.py poll reset",
            )
        return (
            [] if poll.state == OPEN and poll.told and not poll.over else [f"open poll {self.number} again"]
        )

    def do(self, site: Site) -> None:
        """Open it, without a time to close that is past."""
        engine_poll.change(site.engine, "open", self.number)


class Final(Change):
    """All votes that were acknowledged are stored, and no more can come."""

    def missing(self, site: Site) -> list[str]:
        """Say what is waited for."""
        poll = self.poll(site)
        if poll is None or poll.state in (FINAL, ARCHIVED):
            return []
        return [f"wait until every vote of poll {self.number} is stored"]

    def do(self, site: Site) -> None:
        """Wait for the workers; raise DeployError if that takes too long, or somebody opens the poll."""
        with site.progress.task(f"Waiting until every vote of poll {self.number} is stored") as task:
            while self.missing(site):
                if (poll := self.poll(site)) and poll.state == OPEN:
                    raise DeployError(f"Poll {self.number} was opened again.", "Close it once more.")
                require_no_letters(site.picture, self.number)
                if task.seconds > FINAL_SECONDS:
                    raise _not_stored(site.picture, task.seconds)
                task.detail(f"{site.picture.queue.pending} entries wait; later none can come again")
                time.sleep(POLL_SECONDS)
                site.look_again()


class Archived(Change):
    """The numbers are kept for good, with a checksum."""

    def missing(self, site: Site) -> list[str]:
        """Say so; raise DeployError while votes may still come, which could then not be stored."""
        poll = self.poll(site)
        if poll is None or poll.state == ARCHIVED:
            return []
        require_no_letters(site.picture, self.number)
        require_whole(site)
        return [f"archive poll {self.number}: its numbers are kept for good"]

    def do(self, site: Site) -> None:
        """Keep them, with what was asked."""
        engine_poll.change(site.engine, "archive", self.number, question(site))


class Begun(Change):
    """The next poll takes votes, and has none."""

    def missing(self, site: Site) -> list[str]:
        """Say so until the queue takes votes for it."""
        poll = self.poll(site)
        if poll is None and present(site).told:
            return []
        return [f"begin poll {self.number + 1} at zero; the votes of poll {self.number} are deleted"]

    def do(self, site: Site) -> None:
        """Begin it; a worker tells the queue within two seconds."""
        engine_poll.change(site.engine, "begin", self.number)


STORY: Mapping[str, Sequence[Callable[[int], Step]]] = {
    "close": (Closed, Final),
    "open": (Opened,),
    "archive": (Closed, Final, Archived),
    "reset": (Closed, Final, Archived, Begun),
}


def present(site: Site) -> Poll:
    """Return the poll once somebody can say which there is; raise DeployError if nobody can for long."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while site.picture.poll is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        site.look_again()
    return known(site.picture)


def known(picture: Picture) -> Poll:
    """Return the poll in a picture; raise DeployError where nobody can say which there is."""
    if picture.poll is None:
        raise DeployError(
            "Nobody here can say which poll there is.",
            "It needs the database and a release that knows polls: python3 deploy.py status",
        )
    return picture.poll


def require_no_letters(picture: Picture, number: int) -> None:
    """Raise DeployError while there are dead letters, which may be votes of a poll."""
    if picture.queue.dead:
        raise DeployError(
            f"{picture.queue.dead} votes could not be stored, maybe of poll {number}: it is not final.",
            "Look at them, then replay or delete them: python3 deploy.py dead list",
        )


def require_whole(site: Site) -> None:
    """Raise DeployError while something is missing: a node that is cut off may hold acknowledged votes."""
    states = services.states(site.engine)
    if absent := strength.missing(site.nodes, states, replace(site.picture, poll=None), {}):
        raise DeployError(
            f"The stack is not at full strength: {', '.join(absent)}. What is missing may hold votes that "
            "were acknowledged. Nothing was archived or deleted.",
            "Run the same command again when `python3 deploy.py status` says healthy.",
        )


def site(client: Client, progress: Progress, settings: Settings, verb: str) -> Site:
    """Return what a verb works on."""
    return Site(settings, progress, client, lambda _: None, verb=f"poll {verb}")


def steps(verb: str, on: Site, number: int | None) -> list[Step]:
    """Return the steps of a verb for a poll, by default the present one; raise DeployError."""
    poll = known(on.picture)
    if verb == "archive" and poll.state == OPEN and number in (None, poll.number):
        raise DeployError(
            f"Poll {poll.number} is open, and only one that is over can be archived. Nothing changed.",
            "Close it first: python3 deploy.py poll close",
        )
    return [step(number or poll.number) for step in STORY[verb]]


def question(on: Site) -> dict[str, Any]:
    """Return what was asked: title, question, and the options' names by key, those on offer first."""
    variables = on.last.release.variables if on.last else {}
    return {
        "title": variables.get("VOTE_TITLE", ""),
        "question": variables.get("VOTE_QUESTION", ""),
        "options": named(on.options),
    }


def named(options: Options | None) -> dict[str, str]:
    """Return the names of all options that there ever were, by key; those on offer come first, in order."""
    if options is None:
        return {}
    keys = dict.fromkeys([*options.offered, *options.names])
    return {key: options.names[key] for key in keys}


def line(poll: Mapping[str, Any]) -> str:
    """Say in one line what a poll is."""
    closes = f", closes {poll['closes']}" if poll["closes"] and poll["state"] == OPEN else ""
    return f"Poll {poll['number']}: {poll['state']}{closes}"


def _not_stored(picture: Picture, seconds: float) -> DeployError:
    return DeployError(
        f"After {seconds:.0f} s not every vote is stored: {picture.queue.pending} entries wait. "
        "The poll stays closed.",
        f"Look at `python3 deploy.py status` and `logs worker` (the {STACK}_worker service stores them), "
        "then run the same command again.",
    )
