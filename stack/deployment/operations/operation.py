"""The runner of every verb: what a step says is missing is printed, or done and asked for again."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, Protocol

from deployment.engine.machine.engine import EngineError
from deployment.engine.swarm import audit
from deployment.engine.swarm.audit import Entry
from deployment.errors import DeployError
from deployment.operations import lock
from deployment.operations.site import Site, me, now
from deployment.operations.turn import Keeper

# Called where what runs was being changed when something failed: it always raises.
Back = Callable[[Site, DeployError], NoReturn]
# What was made true may take a moment until everybody says so.
PATIENCE_SECONDS = 30
POLL_SECONDS = 0.5


class Step(Protocol):
    """One thing that a verb makes true."""

    touches: bool
    """Whether it changes what runs, so that its failure leads back to the last good release."""

    def missing(self, site: Site) -> list[str]:
        """Say what is to be done, a line each; nothing where all is as it should be.

        Raises DeployError, before anything is changed, where it cannot be done.
        """

    def do(self, site: Site) -> None:
        """Make it so: afterwards nothing is missing. Raises DeployError if that fails."""


Steps = Sequence[Step]


class BrokenError(Exception):
    """What runs was being changed when something failed."""

    def __init__(self, cause: DeployError) -> None:
        super().__init__(cause.what)
        self.cause = cause


def plan(steps: Steps, site: Site) -> list[tuple[Step, list[str]]]:
    """Return what each step would do, in order, without those that have nothing to do."""
    found = [(step, step.missing(site)) for step in steps]
    return [(step, lines) for step, lines in found if lines]


def run(steps: Steps, site: Site, back: Back | None = None) -> bool:
    """Carry out all that is missing, while no other verb works on the Swarm; say whether there was anything.

    Where what runs was being changed when something failed, `back` is called, if there is one. Raises
    DeployError.
    """
    with lock.held(), Keeper(site) as keeper, logged(site) as outcome:
        keeper.take()
        try:
            outcome.busy = carry_out(steps, site, keeper.take)
        except BrokenError as error:
            if back:
                back(site, error.cause)
            raise error.cause from error
    return outcome.busy


@dataclass
class Outcome:
    """Whether there was anything to do."""

    busy: bool = False


@contextmanager
def logged(site: Site) -> Iterator[Outcome]:
    """Write into the Swarm's audit log what became of a verb, unless it had nothing to do."""
    began, outcome, text = time.monotonic(), Outcome(), "interrupted"
    try:
        yield outcome
        text = "done" if outcome.busy else ""
    except DeployError as error:
        text = f"failed: {error.what}"
        raise
    finally:
        site.look_again()
        if text and site.managed:
            release = site.last.release.identity if site.last else ""
            seconds = round(time.monotonic() - began, 1)
            audit.write(site.engine, Entry(now(), me(), site.verb, text, seconds, release))


def carry_out(steps: Steps, site: Site, turn: Callable[[], None] = lambda: None) -> bool:
    """Carry out all that is missing; say whether there was anything.

    `turn` is called before each step: it raises DeployError if another verb has the turn. Raises DeployError
    if a step fails before what runs was changed, and BrokenError after that.
    """
    plan(steps, site)  # for its refusals
    busy = False
    for step in steps:
        turn()
        if step.missing(site):
            busy = True
            _make_true(step, site)
    return busy


def _make_true(step: Step, site: Site) -> None:
    try:
        step.do(site)
        _require_done(step, site)
    except DeployError as error:
        if step.touches:
            raise BrokenError(error) from error
        raise
    except EngineError as error:
        if step.touches:
            raise BrokenError(unexpected(error)) from error
        raise


def _require_done(step: Step, site: Site) -> None:
    """Ask again until nothing is missing."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        site.look_again()
        left = step.missing(site)
        if not left:
            return
        if time.monotonic() > deadline:
            raise DeployError(
                f"This was done, and is still missing: {'; '.join(left)}",
                "Does somebody else change the same things? Run the same command again.",
            )
        time.sleep(POLL_SECONDS)


def unexpected(error: Exception) -> DeployError:
    """Return an error that nobody foresaw as one that a user can read."""
    return DeployError(f"{type(error).__name__}: {error}", "Mend the cause and run the same command again.")
