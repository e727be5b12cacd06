"""The loop that asks the nodes who leads and keeps pgpool in front of that one."""

import signal
import socketserver
import subprocess
import threading
import time
from functools import partial
from types import FrameType

import structlog

from pgpool_leader import exporter, leader, nodes, pgpool_config
from pgpool_leader.leader import Action, Backend, Situation
from pgpool_leader.metrics import Clients
from pgpool_leader.passwords import Passwords
from pgpool_leader.pgpool import Pgpool
from pgpool_leader.probe import Probe, write
from pgpool_leader.settings import Settings

log = structlog.get_logger()

HEALTH_PORT = 8009
FRONT_SOCKET = "haproxy.sock"
HAPROXY = ("haproxy", "-db", "-f", "/etc/pgpool-ha/haproxy.cfg")
TICK_SECONDS = 0.5


class Supervisor:
    """Run pgpool until SIGTERM."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nodes = nodes.Nodes(settings.nodes, settings.tls)
        self._pgpool = Pgpool(settings)
        self._passwords = Passwords(settings)
        self._probe = Probe(partial(write, settings.passwords["pgpool"]))
        self._front: subprocess.Popen[bytes] | None = None
        self._leader_seen = time.monotonic()

    def run(self) -> None:
        """Run until SIGTERM; raise CalledProcessError or OSError if it cannot start."""
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
        try:
            pgpool_config.write_credentials(self._settings)
            _listen()
            self._front = subprocess.Popen(HAPROXY)
            self._passwords.watch(lambda: self._pgpool.served)
            exporter.start(self._settings.metrics_port, Clients(self._settings.runtime / FRONT_SOCKET))
            self._nodes.start()
            while self._front.poll() is None:
                self._tick()
                self._nodes.changed.wait(TICK_SECONDS)
            raise subprocess.CalledProcessError(self._front.returncode, HAPROXY)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if self._front:
                self._front.kill()
            self._pgpool.stop()
            log.info("stopped")

    def _tick(self) -> None:
        self._nodes.changed.clear()
        wanted = self._find()
        now = time.monotonic()
        if wanted:
            self._leader_seen = now
        situation = Situation(
            served=self._pgpool.served,
            wanted=wanted,
            alive=self._pgpool.alive,
            seconds_without_leader=now - self._leader_seen,
            failures=self._probe.failures,
            outdated=self._pgpool.outdated(self._passwords.now),
        )
        self._nodes.hasty = leader.is_missed(situation)
        self._act(leader.decide(situation), situation, now)

    def _find(self) -> Backend | None:
        reports = self._nodes.reports()
        return nodes.locate(leader.agreed_leader(reports, self._settings.majority))

    def _act(self, action: Action, situation: Situation, now: float) -> None:
        match action:
            case Action.KEEP if situation.served:
                self._probe.tick(now)
            case Action.START if situation.wanted:
                log.info(
                    "serving",
                    leader=situation.wanted.node,
                    address=situation.wanted.address,
                    failures=situation.failures,
                )
                self._pgpool.start(situation.wanted, self._passwords.now)
                self._probe.reset(now)
            case Action.STOP:
                log.warning("no leader: port closed")
                self._pgpool.stop()


class _Alive(socketserver.BaseRequestHandler):
    """Accept and close: the container's health check asks no more than that."""


def _listen() -> None:
    socketserver.TCPServer.allow_reuse_address = True
    server = socketserver.TCPServer(("127.0.0.1", HEALTH_PORT), _Alive)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _leave(_signal_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
