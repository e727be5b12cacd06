"""`deploy.py restore --to`: the votes of a moment take the place of those that are there, which are kept."""

import time
from dataclasses import replace
from typing import Any

from deployment.engine import restoration as runner
from deployment.engine.records import restoration as kept_in_swarm
from deployment.engine.restoration import AGAIN
from deployment.errors import DeployError
from deployment.operations.restore import later, ongoing
from deployment.operations.restore.wanted import Wanted
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.pause import entries_waiting
from deployment.operations.runner.site import Site
from deployment.operations.votes import maintenance
from deployment.plan import restoration as plan
from deployment.plan.restoration import SET_ASIDE

# A healthy worker stores within that whatever waits.
HEALTHY_SECONDS = 3.0
EMPTY_SECONDS, TOLD_SECONDS = 300.0, 60.0
POLL_SECONDS = 0.5


class _Part:
    """A step of one restoration."""

    touches = False

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted


class Possible(Check):
    """There is a backup of that moment, room for a copy, a primary with a standby, and a place for a file."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._looked = False

    def require(self, site: Site) -> None:
        """Raise DeployError where it could not work; what only the copy shows is found later."""
        if self._looked:
            return
        kept = kept_in_swarm.read(site.engine)
        later.require_place(self._wanted.file, own=plan.is_own_file(kept, self._wanted.restoration))
        try:
            self._wanted.part(site, "possible")
        except DeployError as error:
            again = "Nothing was changed. Mend the cause, then run the same command again."
            raise DeployError(error.what, again, error.evidence) from error
        self._looked = True


class OvertakenError(DeployError):
    """Another command has done something to restorations meanwhile."""


class Current(Check):
    """What is kept of a restoration is what this command saw before it had the lock."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def require(self, site: Site) -> None:
        """Raise OvertakenError where another command has done something meanwhile."""
        kept, ended = kept_in_swarm.read(site.engine), self._wanted.ended(site)
        if said := plan.overtaken(self._wanted.seen, kept, ended=ended):
            raise OvertakenError(
                f"{said} Nothing was changed by this.",
                "`python3 deploy.py status` says how it is. To restore that moment all the same, "
                "run the same command again.",
            )


class Begun(_Part):
    """It is known on every manager that this was begun, so that it can go on wherever it is cut short."""

    def missing(self, site: Site) -> list[str]:
        """Say so until it is."""
        wanted, kept = self.wanted.restoration, kept_in_swarm.read(site.engine)
        if kept is None or kept.mark != wanted.mark:
            return [f"begin to bring back the votes of {plan.named(wanted.to)}"]
        return (
            [] if kept.file == wanted.file else [f"note that later votes are written to {self.wanted.file}"]
        )

    def do(self, site: Site) -> None:
        """Keep it, in place of another."""
        if not ongoing.goes_on(site, self.wanted.restoration):
            self._end_other(site)
        kept_in_swarm.keep(site.engine, self.wanted.restoration)
        self.wanted.begun = True

    def _end_other(self, site: Site) -> None:
        """Remove the copy of another, if any, after a question where that one has changed the votes."""
        if kept := kept_in_swarm.read(site.engine):
            if ongoing.is_half_done(site, kept):
                (unfinished,) = plan.unfinished(kept)
                self.wanted.ask(
                    f"Not ended: {unfinished}. Or begin this one now? What that one kept, as the votes that "
                    f"came after it, stays in the database: schema {kept.mark}."
                )
            runner.part(site.engine, "end", kept.mark)


class Paused(maintenance.Paused):
    """No votes are taken; where nobody pauses the voting any more, the pause is this restoration's own."""

    def __init__(self, wanted: Wanted, message: str) -> None:
        super().__init__(message, wanted.restoration.pause)
        self._wanted = wanted

    def do(self, site: Site) -> None:
        """Keep whose pause it is, then pause."""
        if site.maintenance is None and self._wanted.restoration.paused:
            self._wanted.restoration = replace(self._wanted.restoration, paused=False)
            kept_in_swarm.keep(site.engine, self._wanted.restoration)
        super().do(site)


class Brought(_Part):
    """A copy of that moment is in the database, beside the votes that are there."""

    def missing(self, site: Site) -> list[str]:
        """Say so until it is."""
        return [] if self.wanted.state(site) else ["restore a copy beside the votes that are there"]

    def do(self, site: Site) -> None:
        """Have the runner bring it; it waits for one that is interrupted and still at work."""
        with site.progress.task("Restoring a copy beside the votes that are there") as task:
            self.wanted.part(site, "bring", task.detail)


class Queued(_Part):
    """It is known what becomes of votes that wait in the queue; those to be set aside are stored by now."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self._settled = False

    def missing(self, site: Site) -> list[str]:
        """Say so until it is known."""
        if self._settled or self.wanted.swapped(site):
            return []
        return ["see what waits in the queue"]

    def do(self, site: Site) -> None:
        """Wait for the workers; where they do not store, what waits is stored after the restoration."""
        left = _emptied(site, HEALTHY_SECONDS)
        # What was taken for the poll that there is can be stored no more once another one is back.
        anew = (self.wanted.state(site) or {}).get("anew")
        aside = left and (anew or self.wanted.choose(left) == SET_ASIDE)
        if aside and (left := _emptied(site, EMPTY_SECONDS)):
            raise DeployError(
                f"{left} entries wait in the queue, and no worker stores them: they cannot be set aside. "
                "The votes are as they were.",
                AGAIN if anew else f"{AGAIN} With `--queue replay` they are stored after the restoration.",
            )
        self._settled = True


class Exported(_Part):
    """Votes that are newer than the copy are in a file: before they go, and as they were when they went."""

    def __init__(self, wanted: Wanted, *, before: bool) -> None:
        super().__init__(wanted)
        self._before, self._written = before, False

    def missing(self, site: Site) -> list[str]:
        """Say so until the file has all of them."""
        state = self.wanted.swapped(site)
        if state is None:
            done = self._written or not self._before
            return [] if done else [f"write the votes that came after that moment to {self.wanted.file}"]
        whole = (state["later"], int(state["later_versions"]))
        if self._before or not state["later"] or later.read(self.wanted.file) == whole:
            return []
        return [f"write the votes that came after that moment to {self.wanted.file}"]

    def do(self, site: Site) -> None:
        """Write the file; where votes are gone from the table ask before going on."""
        if self._before:
            count = self.wanted.part(site, "count")
            _require_readable(self.wanted, count)
            self._written = not count["later"]
        if self._written:
            return
        with site.progress.task(f"Writing later votes to {self.wanted.file}"):
            later.write(self.wanted.file, runner.later(site.engine, self.wanted.restoration.mark))
        self._written = True


class Swapped(_Part):
    """The votes are those of the copy, by their fingerprint; those that were there are kept beside them."""

    def missing(self, site: Site) -> list[str]:
        """Say so until they are."""
        if self.wanted.swapped(site):
            return []
        return ["bring the votes of that moment into their place; those that are there are kept"]

    def do(self, site: Site) -> None:
        """Have it done, in one transaction."""
        with site.progress.task("Bringing the votes of that moment into their place") as task:
            self.wanted.part(site, "swap", task.detail)


class Proved(_Part):
    """What waited in the queue is stored, and the primary has every vote of the copy; `newer` came on top.

    The queue knows the poll, which may have come back, too: votes are taken for it.
    """

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.newer = 0
        self._proved = False

    def missing(self, site: Site) -> list[str]:
        """Say so until it was asked."""
        del site
        return [] if self._proved else ["let workers store what waits in the queue, and ask the primary"]

    def do(self, site: Site) -> None:
        """Wait for the workers, then ask; raise DeployError where a vote of the copy is not there."""
        with site.progress.task("Letting workers store what waits in the queue"):
            left = _emptied(site, EMPTY_SECONDS)
        if left:
            raise DeployError(
                f"The votes of that moment are back, and {left} entries still wait in the queue.",
                f"Look at `python3 deploy.py logs worker`. {AGAIN}",
            )
        found = self.wanted.part(site, "check")
        if not self.wanted.swapped(site):
            raise DeployError(
                "The votes of that moment are not in their place any more: the primary is another by now, "
                "and does not have them.",
                AGAIN,
            )
        if found["lacking"] or found["rows"] != found["tally"]:
            raise DeployError(
                f"Of the votes of that moment {found['lacking']} are not there, and the tally counts "
                f"{found['tally']} of {found['rows']}: somebody else changes them.",
                f"Find out who does. {AGAIN} Or restore another moment: of this one all is kept.",
            )
        _wait_until_told(site, found["poll"])
        self.newer, self._proved = int(found["newer"]), True


class Reopened(maintenance.Resumed):
    """Votes are taken again, unless it is somebody else who has paused the voting."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def missing(self, site: Site) -> list[str]:
        """Say so while the pause of this restoration lasts."""
        kept = self._wanted.restoration
        own = site.maintenance is None or (ongoing.is_paused_for(kept, site) and not kept.paused)
        return super().missing(site) if own else []


class Ended(_Part):
    """Nothing is left to be done: the copy is removed, and nobody goes on with it."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.state: dict[str, Any] = {}

    def missing(self, site: Site) -> list[str]:
        """Say so until it has ended."""
        noted = ongoing.goes_on(site, self.wanted.restoration)
        return [] if self.state and not noted else ["remove the copy"]

    def do(self, site: Site) -> None:
        """Remove the copy, then the note of it, unless that is of another one by now."""
        self.state = self.wanted.part(site, "end")
        if ongoing.goes_on(site, self.wanted.restoration):
            kept_in_swarm.forget(site.engine)


def steps(wanted: Wanted, site: Site) -> list[Step]:
    """Return what is done, in order; of one that had ended nothing but its note is left."""
    kept = wanted.restoration
    if ongoing.goes_on(site, kept) and (state := wanted.state(site)) and state["ended"]:
        return [Ended(wanted)]
    message = "" if site.maintenance else f"the votes of {plan.named(kept.to)} are being brought back"
    return [
        Current(wanted),
        Possible(wanted),
        Begun(wanted),
        Paused(wanted, message),
        Brought(wanted),
        Queued(wanted),
        Exported(wanted, before=True),
        Swapped(wanted),
        Exported(wanted, before=False),
        Proved(wanted),
        Reopened(wanted),
        Ended(wanted),
    ]


def _emptied(site: Site, seconds: float) -> int:
    """Wait until nothing waits in the queue, so many seconds at most; return how many entries still do."""
    deadline = time.monotonic() + seconds
    while left := entries_waiting(site):
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    return left


def _wait_until_told(site: Site, number: int) -> None:
    """Wait until the queue knows that this is the poll, as workers tell it; raise DeployError."""
    deadline = time.monotonic() + TOLD_SECONDS
    site.look_again()
    while (poll := site.picture.poll) is None or not poll.told or poll.number != number:
        if time.monotonic() > deadline:
            raise DeployError(
                "The votes of that moment are back, and the queue does not know yet "
                f"that this is poll {number}. No votes are taken.",
                f"Look at `python3 deploy.py logs worker`. {AGAIN}",
            )
        time.sleep(POLL_SECONDS)
        site.look_again()


def _require_readable(wanted: Wanted, count: dict[str, Any]) -> None:
    """Ask before going on where the table has lost votes that the tally still counts: no file has them."""
    wanted.unread = max(0, count["tally"] - count["rows"])
    if wanted.unread:
        wanted.ask(
            f"The tally counts {count['tally']:,} votes, and the table holds {count['rows']:,}: it was "
            "dropped. Those that are gone and came after that moment cannot be read, and will be in no file. "
            "Go on?"
        )
