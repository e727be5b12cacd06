"""One verb at a time over all managers: it takes its turn as soon as there is a Swarm."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from urllib3.exceptions import HTTPError

from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client, EngineError
from deployment.engine.machine.host import machine
from deployment.engine.records import turns
from deployment.engine.records.turns import Turn
from deployment.errors import DeployError
from deployment.operations.runner.site import Site, me, now
from deployment.plan.turns import BEAT_SECONDS, Holder, over

UNREACHABLE = (EngineError, HTTPError, OSError, DeployError)


class TurnLostError(DeployError):
    """Another verb, or `unlock`, took the turn away."""


class Keeper:
    """Holds the turn for a verb, and shows every few seconds that the verb lives; a context manager."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._turn: str | None = None
        self._ended, self._lost = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if not self._turn:
            return
        try:
            turns.give_back(self._site.engine, self._turn)
        except UNREACHABLE as problem:  # the verb's own outcome matters more
            self._site.progress.say(f"  The lock could not be given back, it ends by itself: {problem}")

    def take(self) -> None:
        """Take the turn, once there is a Swarm; raise DeployError if another has it, or took it away."""
        if self._lost.is_set():
            raise TurnLostError(
                "The lock was taken from this command, by another one or by `unlock`, so it stopped.",
                "`python3 deploy.py status` says who has the lock. What this one had begun is left as it is: "
                "run it again after that.",
            )
        if self._turn or not self._site.managed:
            return
        self._turn = claim(self._site.engine, self._site.verb, "", self._site.progress.say)
        threading.Thread(target=self._beat, args=(self._turn,), daemon=True).start()

    def _beat(self, turn: str) -> None:
        """Show that the verb lives until it ends; while no manager answers it goes on trying."""
        client: Client | None = None
        while not self._ended.wait(BEAT_SECONDS):
            try:
                client = client or engine.require()
                if not turns.beat(client, turn) and not self._ended.is_set():
                    self._lost.set()
                    return
            except UNREACHABLE:
                client = None


def claim(client: Client, verb: str, message: str, say: Callable[[str], None]) -> str:
    """Take the turn and return its ID; raise DeployError if somebody has it who is heard of."""
    if present := turns.read(client):
        if not _over(client, present):
            raise refused(present)
        say(f"  Taking over: {present.holder.sentence()}, and is not heard of any more")
        turns.give_back(client, present.id)
    turn = turns.take(client, Holder(me(), verb, now(), message, machine()))
    if turn is None:
        raise refused(turns.read(client))
    return turn


def _over(client: Client, present: Turn) -> bool:
    """Whether a turn may be taken over; clocks may differ, so one that is silent is watched for a while."""
    if not over(present.holder, machine(), turns.silent_seconds(client, present)):
        return False
    if present.holder.machine != machine():
        time.sleep(2 * BEAT_SECONDS)
    seen = turns.read(client)
    return seen is None or (seen.id, seen.beat) == (present.id, present.beat)


def refused(turn: Turn | None) -> DeployError:
    """Return the error of a verb that has to wait for another."""
    who = turn.holder.sentence() if turn else "another verb had the lock a moment ago"
    by_hand = turn is not None and turn.holder.by_hand
    return DeployError(
        f"Nothing was done: {who}.",
        "`python3 deploy.py unlock` gives it back, if that is agreed."
        if by_hand
        else "Wait until it has finished. If it was killed, run this again a minute later.",
    )
