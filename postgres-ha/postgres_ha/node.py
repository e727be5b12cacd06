"""The parts of one node, and what they add up to at this moment."""

import contextlib
import threading
import time
from dataclasses import dataclass, replace

import structlog

from postgres_ha.backup.companion import Companion
from postgres_ha.database import Database, Observation
from postgres_ha.decision import View, find_leader
from postgres_ha.grant import DurableTerm, Grant, forgotten_term
from postgres_ha.peers import Client, NotEnoughError, Peers
from postgres_ha.repmgr import Repmgr
from postgres_ha.server import Server
from postgres_ha.settings import Settings
from postgres_ha.state import Data, NodeState, Role
from postgres_ha.timeline import Timelines, read_timelines
from postgres_ha.volume import Volume

log = structlog.get_logger()

STATE_MAX_AGE_SECONDS = 4.0
INVITATION_SECONDS = 10.0
# On a busy machine a vote takes its time; an heir that is not heard of is none.
HEIR_SECONDS = 20.0
FAREWELL_SECONDS = 2.0


@dataclass(frozen=True)
class Mandate:
    """A term that a majority has granted, and when (monotonic seconds)."""

    term: int
    won: float


class Node:
    """Everything that the supervisor's loop and the agent's routes share.

    `changing` is held by whoever changes what the server is; it keeps the gate from acting
    during an election or a promotion.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.volume = Volume(settings.volume)
        self.server = Server(self.volume.data)
        self.database = Database(settings)
        self.repmgr = Repmgr(settings)
        self.backup = Companion(self.volume.data) if settings.backup else None
        client = Client(settings.tls, settings.secrets.agent_tokens[0])
        self.peers = Peers(settings.peers, client, self.bereave)
        self.alarm = threading.Event()  # ends the gate's pause
        self.changing = threading.RLock()
        self.promise = DurableTerm(self.volume.promise)
        self.granted: Grant | None = None
        self.overridden = False
        self.established: int | None = None  # the term in which the accounts were given today's passwords
        self.mandate: Mandate | None = None
        self.phase = "starting"
        self._invited = float("-inf")
        self._heir = ""
        self._bereaved = float("-inf")
        # Until the volume was looked at, nobody may take this node for an empty one.
        self._state = NodeState(settings.node, data=Data.BROKEN, forgot=self.promise.damaged)
        self._observed = time.monotonic()

    @property
    def state(self) -> NodeState:
        """The last known state; without role or claims if it is too old to be trusted."""
        promise = self.promise
        state = replace(self._state, promised=promise.term, forgot=promise.damaged, phase=self.phase)
        if self.state_age > STATE_MAX_AGE_SECONDS:
            return replace(state, role=Role.NONE, open=False, fenced=True, synchronous=False)
        return state

    @property
    def state_age(self) -> float:
        """How many seconds ago the server was last looked at."""
        return time.monotonic() - self._observed

    def observe(self) -> NodeState:
        """Look at the server and return the state."""
        started = time.monotonic()
        observation = self.database.observe() if self.server.running else None
        state = NodeState(
            self.settings.node,
            data=self.volume.content,
            promised=self.promise.term,
            forgot=self.promise.damaged,
        )
        if observation:
            state = self._with_server(state, observation)
        leader = find_leader(self._view(state))
        if leader and self._bereaved < started:
            self._bereaved = float("-inf")
        self._state = replace(state, leader=leader.node if leader else None, phase=self.phase)
        self._observed = started
        return self._state

    def view(self) -> View:
        """Look at the server, and return that together with what the peers last said."""
        return self._view(self.observe())

    def invite(self, leaving: str, heir: str = "") -> None:
        """Note that the primary has stopped for good: nobody waits for it, and an heir comes first."""
        self.peers.forget(leaving)
        self._heir, self._invited = heir, time.monotonic()

    def bereave(self, primary: str) -> None:
        """Note that the primary is gone: until another leads, nobody waits, and all look more often."""
        log.info("the primary is gone", primary=primary)
        self._bereaved = time.monotonic()
        self.peers.hasten(INVITATION_SECONDS)
        self.alarm.set()

    @property
    def heir(self) -> str | None:
        """The node that the primary which has just stopped wants elected, while its server is heard of."""
        heard = self.peers.states().get(self._heir)
        # Only a server that runs has an epoch. One that is too busy to be looked at keeps it.
        runs = self._heir == self.settings.node or (heard is not None and heard.epoch > 0)
        return self._heir if runs and time.monotonic() - self._invited < HEIR_SECONDS else None

    def say_farewell(self, heir: str = "") -> None:
        """Tell the peers not to wait: everything committed here has been sent to them."""
        told = {"node": self.settings.node, "heir": heir}
        with contextlib.suppress(NotEnoughError):
            self.peers.ask("/farewell", told, FAREWELL_SECONDS, len(self.settings.peers))

    def recall(self) -> None:
        """Take what the peers know for the promise that cannot be read here, if they all say so."""
        term = forgotten_term(self.peers.states().values())
        if term is not None:
            self.promise.restore(term)
            log.warning("promise restored from the peers", term=term)

    def _view(self, state: NodeState) -> View:
        return View(
            me=state,
            peers=self.peers.states(),
            order=self.settings.nodes,
            running=self.server.running,
            failed_starts=self.server.starts.failed,
            unreadable=self.server.running and self.database.damaged,
            first_boot=self.volume.is_first_boot,
            overridden=self.overridden,
            invited=time.monotonic() - self._invited < INVITATION_SECONDS,
            bereaved=time.monotonic() - self._bereaved < INVITATION_SECONDS,
            heir=self.heir,
        )

    def _timelines(self) -> Timelines:
        """Return this node's history; what was last known of it if a file of it is damaged."""
        try:
            return read_timelines(self.volume.data / "pg_wal")
        except ValueError as error:
            log.warning("damaged timeline history", error=str(error))
            return self._state.timelines

    def _with_server(self, state: NodeState, seen: Observation) -> NodeState:
        return replace(
            state,
            role=Role.STANDBY if seen.standby else Role.PRIMARY,
            open=seen.open,
            fenced=seen.fenced,
            epoch=seen.epoch,
            epochs=tuple(seen.epochs),
            office=self.volume.office_term,
            lsn=seen.lsn,
            settled=seen.settled,
            follows=seen.follows if seen.standby else None,
            upstream=seen.upstream if seen.standby else None,
            standbys=tuple(seen.standbys),
            synchronous=seen.open and seen.synchronous,
            lag_bytes=seen.lag_bytes,
            timelines=self._timelines(),
            damaged_pages=seen.damaged_pages,
            established=not seen.standby and self.established == seen.epoch,
            system=seen.system,
        )
