"""One verb at a time over all managers: it takes its turn as soon as there is a Swarm."""

import threading
from types import TracebackType
from typing import Self

from urllib3.exceptions import HTTPError

from deployment.engine.machine import engine
from deployment.engine.machine.engine import EngineError
from deployment.engine.swarm import turns
from deployment.engine.swarm.turns import Turn
from deployment.errors import DeployError
from deployment.operations.site import Site, me, now
from deployment.plan.turns import BEAT_SECONDS, Holder, over


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
        if self._turn:
            turns.give_back(self._site.engine, self._turn)

    def take(self) -> None:
        """Take the turn, once there is a Swarm; raise DeployError if another has it, or took it over."""
        if self._lost.is_set():
            raise DeployError(
                "Another verb took over while this one was not heard of. It stopped before its next step.",
                "`python3 deploy.py status` says who has the lock; run the same command again after that.",
            )
        if self._turn or not self._site.managed:
            return
        if present := turns.read(self._site.engine):
            self._take_over(present)
        self._turn = turns.take(self._site.engine, Holder(me(), self._site.verb, now()))
        if self._turn is None:
            raise refused(turns.read(self._site.engine))
        threading.Thread(target=self._beat, args=(self._turn,), daemon=True).start()

    def _take_over(self, present: Turn) -> None:
        silent = turns.silent_seconds(self._site.engine, present)
        if not over(present.holder, me().rpartition("@")[2], silent):
            raise refused(present)
        self._site.progress.say(f"  Taking over: {present.holder.sentence()}, and is not heard of any more")
        turns.give_back(self._site.engine, present.id)

    def _beat(self, turn: str) -> None:
        """Show that the verb lives until it ends; while no manager answers it goes on trying."""
        client = engine.require()
        while not self._ended.wait(BEAT_SECONDS):
            try:
                if not turns.beat(client, turn) and not self._ended.is_set():
                    self._lost.set()
                    return
            except (EngineError, HTTPError, OSError):
                continue


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
