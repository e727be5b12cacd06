"""Ask the peers of a Sentinel what they know, then become Sentinel."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

import structlog

from redis_gate import leftovers
from redis_gate.acl import SENTINEL_RULES
from redis_gate.damage import set_aside
from redis_gate.handover import DATA, RUNTIME, become, require_access, write_private
from redis_gate.observation import observe_sentinels, running_primary
from redis_gate.sentinel_config import SentinelState, parse_state, sentinel_config
from redis_gate.sentinel_decision import decide
from redis_gate.settings import Cluster, SentinelSettings
from redis_gate.waiting import SENTINEL_GATE_PORT, Answer, waiting_port

LOOK_AGAIN_SECONDS = 0.5
STATE_FILE = DATA / "sentinel.conf"

log = structlog.get_logger()


def start_sentinel(settings: SentinelSettings) -> NoReturn:
    """Become the Sentinel of this node, naming the primary that the newest knowledge names."""
    require_access(DATA)
    leftovers.remove(DATA, leftovers.OF_SENTINEL)
    kept = _kept_state(STATE_FILE, settings.cluster)
    damaged = kept is None and STATE_FILE.exists()
    if damaged:
        log.error("damaged file", file=str(STATE_FILE), then="another Sentinel says who is primary")
    answer = _answer(settings.cluster.node, kept)
    with waiting_port(SENTINEL_GATE_PORT, answer, settings.cluster.tls):
        state = _wait_for_state(settings, kept, damaged)
    log.info("start", **asdict(state))
    if damaged:
        log.warning("set aside", kept=str(set_aside(STATE_FILE)))
    users = write_private(RUNTIME / "users.acl", settings.cluster.acl(SENTINEL_RULES))
    config = write_private(STATE_FILE, sentinel_config(settings, users, state))
    become("redis-server", config, "--sentinel")


def _kept_state(path: Path, cluster: Cluster) -> SentinelState | None:
    try:
        return parse_state(path.read_text(encoding="utf-8", errors="replace"), cluster)
    except OSError:
        return None


def _answer(node: str, kept: SentinelState | None) -> Answer:
    if kept is None:
        return {"node": node, "primary": None}
    return {"node": node, "primary": kept.primary, "config_epoch": kept.config_epoch}


def _wait_for_state(settings: SentinelSettings, kept: SentinelState | None, damaged: bool) -> SentinelState:
    began = time.monotonic()
    told = None
    while True:
        seen = observe_sentinels(settings.cluster, kept, damaged)
        lasted = time.monotonic() - began
        first_primary = kept.primary if kept else _first_primary(settings.cluster)
        if seen != told:
            log.info("gate", **asdict(seen))
            told = seen
        state = decide(seen, lasted, first_primary)
        if state is not None:
            return state
        time.sleep(LOOK_AGAIN_SECONDS)


def _first_primary(cluster: Cluster) -> str:
    return running_primary(cluster) or cluster.redis_nodes[0]
