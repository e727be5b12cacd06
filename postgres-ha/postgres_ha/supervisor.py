"""The loop that looks, asks the gate, and does what it says."""

import signal
import subprocess
import threading
import time
from types import FrameType

import psycopg
import structlog

from postgres_ha import (
    bootstrap,
    election,
    fence,
    passfile,
    postgres_config,
    privileges,
    replica,
    repmgr,
    roles,
)
from postgres_ha.backup import companion
from postgres_ha.decision import Action, Decision, View, conditions, decide
from postgres_ha.errors import ServiceError
from postgres_ha.fingerprint import Completion
from postgres_ha.node import Node
from postgres_ha.settings import Settings
from postgres_ha.state import Role
from postgres_ha.stopwatch import Stopwatch

log = structlog.get_logger()

TICK_SECONDS = 0.2
PAUSES = {Action.NOTHING: 0.7, Action.FOLLOW: 1.5}
RETRY_SECONDS, TURN_SECONDS = 2.0, 1.0
RESTART_SECONDS = 3.0
# Every copy that fails costs the leader as much as one that succeeds.
COPY_SECONDS = 30.0
STOP_SECONDS = 5.0
OBSERVE_SECONDS = 1.0
EXPECTED = (ServiceError, psycopg.Error, subprocess.SubprocessError, OSError)


class Supervisor:
    """Keep one node doing what the gate decides, until SIGTERM."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._stopwatch = Stopwatch()
        self._registered: tuple[str, str, int] | None = None
        self._restricted: int | None = None
        self._started = float("-inf")
        self._copy_after = float("-inf")

    def run(self) -> None:
        """Run until SIGTERM, then stop everything cleanly."""
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
        try:
            self._prepare()
            threading.Thread(target=self._observe_forever, daemon=True).start()
            passfile.keep(self._node.settings, self._node.peers.heard_primary)
            Completion(self._node).start()
            while True:
                self._node.alarm.wait(self._tick())
                self._node.alarm.clear()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._stop()

    def _prepare(self) -> None:
        node = self._node
        postgres_config.write_private_files(node.settings)
        repmgr.write_configuration(node.settings)
        if own := node.settings.backup:
            companion.write_configuration(own.certificate, own.authority, node.settings.volume)
        node.phase = "waiting for another container to release the volume"
        while not node.volume.try_lock():
            time.sleep(TICK_SECONDS)
        node.volume.recover()

    def _observe_forever(self) -> None:
        """Keep the state fresh while an action takes long."""
        while True:
            time.sleep(OBSERVE_SECONDS)
            if self._node.backup:
                self._node.backup.keep()
            if self._node.state_age > OBSERVE_SECONDS:
                try:
                    self._node.observe()
                except OSError as error:
                    log.warning("data directory is being replaced", error=str(error))

    def _tick(self) -> float:
        """Act once and return how many seconds to wait before the next time."""
        if not self._node.changing.acquire(blocking=False):
            return TICK_SECONDS
        try:
            view = self._node.view()
            held = self._stopwatch.measure(conditions(view), time.monotonic())
            decision = decide(view, held)
            self._announce(decision)
            self._act(decision, view)
        except EXPECTED as error:
            log.warning("not done", phase=self._node.phase, error=str(error).strip())
            return retry_seconds(error, self._node.settings)
        finally:
            self._node.changing.release()
        if view.bereaved and decision.action is Action.NOTHING:
            return TICK_SECONDS
        return PAUSES.get(decision.action, TICK_SECONDS)

    def _announce(self, decision: Decision) -> None:
        if decision.phase != self._node.phase:
            log.info("gate", action=decision.action.name.lower(), phase=decision.phase)
        self._node.phase = decision.phase

    def _act(self, decision: Decision, view: View) -> None:
        node, leader = self._node, decision.leader.node if decision.leader else ""
        match decision.action:
            case Action.NOTHING:
                self._attend(view)
            case Action.INITIALISE:
                bootstrap.initialise(node.settings, node.volume)
            case Action.CLONE:
                self._clone(leader)
            case Action.REPLACE:
                self._replace(leader)
            case Action.RECALL:
                node.recall()
            case Action.START:
                self._start()
            case Action.OPEN_FIRST:
                election.open_first(node)
            case Action.FENCE:
                fence.cut_off(node.database, election.CUT_OFF_SECONDS)
            case Action.FOLLOW:
                replica.follow(node, leader)
            case Action.REWIND:
                replica.rewind(node, leader)
            case Action.CAMPAIGN:
                election.run_for_office(node)
            case Action.STEP_DOWN:
                self._step_down()

    def _start(self) -> None:
        if time.monotonic() - self._started < RESTART_SECONDS:
            return
        self._started = time.monotonic()
        node = self._node
        node.server.starts.begin(self._started)
        node.repmgr.stop()
        node.volume.secure()
        postgres_config.write(node.settings, node.volume.data)
        node.server.start()

    def _clone(self, leader: str) -> None:
        if time.monotonic() < self._copy_after:
            return
        try:
            replica.clone(self._node, leader)
        except replica.RoomError:
            self._copy_after = time.monotonic() + COPY_SECONDS
            raise

    def _replace(self, leader: str) -> None:
        if time.monotonic() < self._copy_after:
            return
        self._copy_after = time.monotonic() + COPY_SECONDS
        try:
            replica.replace(self._node, leader)
        finally:
            # When that fails, what seemed damaged may still start: a full disk has room again.
            self._node.server.starts.forgive()

    def _step_down(self) -> None:
        log.warning("stepping down", reason=self._node.phase)
        self._node.repmgr.stop()
        self._node.server.stop()

    def _attend(self, view: View) -> None:
        """In a settled situation: keep repmgr's records right and its daemon running."""
        me = view.me
        if me.leader is None or me.leader not in (me.node, me.upstream):
            return
        if me.role is Role.PRIMARY and self._node.established != me.epoch:
            self._establish(me.epoch)
        situation = (me.role.value, me.leader, me.epoch)
        if situation != self._registered:
            self._register(me.role, me.leader)
            self._registered = situation
        self._node.repmgr.watch(situation)
        self._node.volume.end_first_boot()
        if view.visible:
            self._node.overridden = False
        self._node.volume.discard_old()
        if me.role is Role.PRIMARY and self._restricted != me.epoch:
            self._restrict(me.epoch)

    def _establish(self, epoch: int) -> None:
        """Once in each term, first of all: passwords may be new, or the database may be of a backup."""
        with self._node.database.connect() as connection:
            roles.establish_all(connection, self._node.settings.secrets)
        self._node.established = epoch

    def _restrict(self, epoch: int) -> None:
        """Once in each term, because the database may have been made by an earlier version."""
        with self._node.database.connect("votes") as connection:
            privileges.restrict(connection)
        self._restricted = epoch

    def _register(self, role: Role, leader: str) -> None:
        if role is Role.PRIMARY:
            self._node.repmgr.register_primary()
        else:
            self._node.repmgr.register_standby(self._node.settings.nodes.index(leader) + 1)

    def _stop(self) -> None:
        node = self._node
        node.changing.acquire(timeout=STOP_SECONDS)
        leaving = node.state.open
        node.phase = "stopping"
        node.repmgr.stop()
        node.server.stop()
        if node.backup:
            node.backup.stop()
        node.observe()
        if leaving:
            node.say_farewell()
        log.info("stopped")


def retry_seconds(error: Exception, settings: Settings) -> float:
    """Return for how long a node leaves be what failed.

    Two that have asked for a term at once refuse each other, and so take turns the next time.
    """
    turn = settings.nodes.index(settings.node) if isinstance(error, election.ElectionError) else 0
    return RETRY_SECONDS + turn * TURN_SECONDS


def _leave(_signal_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
