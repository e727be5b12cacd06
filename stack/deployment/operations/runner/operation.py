"""The runner of every verb: what a step says is missing is printed, or done and asked for again."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, Protocol

from deployment.engine.machine.engine import RefusedError
from deployment.engine.swarm import membership
from deployment.errors import DeployError
from deployment.operations.runner import lock, log
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import Keeper, TurnLostError

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


class Check(ABC):
    """A step that changes nothing: it refuses what could not work, before anything is changed."""

    touches = False

    @abstractmethod
    def require(self, site: Site) -> None:
        """Raise DeployError where it could not work."""

    def missing(self, site: Site) -> list[str]:
        """Return nothing, or raise DeployError."""
        self.require(site)
        return []

    def do(self, site: Site) -> None:
        """Do nothing: nothing is ever missing."""
        del site


class Return(Protocol):
    """What becomes of a stack that was being changed when something failed."""

    def begin(self, site: Site) -> None:
        """Keep how the stack is before anything is changed."""

    def go(self, site: Site, cause: DeployError) -> NoReturn:
        """Raise DeployError, after what ran before runs again, if it does."""


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


def run(steps: Steps, site: Site, back: Return | None = None) -> bool:
    """Carry out all that is missing, while no other verb works on the Swarm; say whether there was anything.

    Where what runs was being changed when something failed, the way `back` is taken, if there is one. Raises
    DeployError.
    """
    with lock.held(), Keeper(site) as keeper:
        site.turn = keeper.take
        site.turn()
        site.look_again()  # what was seen before may be another verb's work in between
        if back:
            back.begin(site)
        with log.written(site) as outcome:
            try:
                outcome.busy = carry_out(steps, site)
            except BrokenError as error:
                if back:
                    back.go(site, error.cause)
                raise error.cause from error
            finally:
                if site.pause:
                    site.pause.leave()
    return outcome.busy


def carry_out(steps: Steps, site: Site) -> bool:
    """Carry out all that is missing; say whether there was anything.

    Raises DeployError if a step fails before what runs was changed, and BrokenError after that.
    """
    plan(steps, site)  # for its refusals
    busy = touched = False
    for step in steps:
        site.turn()
        with _breaking(touched and step.touches):
            missing = step.missing(site)
        if missing:
            busy, touched = True, touched or step.touches
            _make_true(step, site)
    return busy


def _make_true(step: Step, site: Site) -> None:
    if step.touches:
        site.freeze()
    with _breaking(step.touches):
        step.do(site)
        _require_done(step, site)


@contextmanager
def _breaking(touched: bool) -> Iterator[None]:
    """Where what runs was being changed, turn whatever error there is into BrokenError."""
    try:
        yield
    except TurnLostError:
        raise  # what is done now is another verb's business
    except Exception as error:
        if touched:
            raise BrokenError(readable(error)) from error
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
                f"Does somebody else change the same things? {site.again}",
            )
        time.sleep(POLL_SECONDS)


def readable(error: Exception) -> DeployError:
    """Return any error as one that a user can read."""
    if isinstance(error, BrokenError):
        return error.cause
    if isinstance(error, RefusedError) and membership.leaderless(error):
        return membership.no_leader()
    return error if isinstance(error, DeployError) else unexpected(error)


def unexpected(error: Exception) -> DeployError:
    """Return an error that nobody foresaw as one that a user can read."""
    return DeployError(
        f"{type(error).__name__}: {error}",
        "Nobody foresaw this. `python3 deploy.py doctor` looks for the cause, `doctor --report FILE` "
        "collects what others need to help. Then run the same command again.",
    )
