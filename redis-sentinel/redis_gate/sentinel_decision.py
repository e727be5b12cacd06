"""From what a Sentinel kept and what its peers know to the state that it starts with."""

from collections.abc import Mapping
from dataclasses import dataclass

from redis_gate.sentinel_config import SentinelState

# The peers of a Sentinel that knows nothing have so many seconds to come and say what they know.
FIRST_BOOT_PATIENCE = 30.0


@dataclass(frozen=True)
class Knowledge:
    """What a Sentinel, running or at its gate, answers: its primary (None: it knows none)."""

    primary: str | None
    config_epoch: int = 0


@dataclass(frozen=True)
class SentinelObservation:
    """What this Sentinel kept, and what each peer answers (None: nothing)."""

    kept: SentinelState | None
    peers: Mapping[str, Knowledge | None]


def starting_state(seen: SentinelObservation, lasted: float, first_primary: str) -> SentinelState | None:
    """Choose the newest knowledge there is, or None while it is better to ask again.

    With no knowledge anywhere this is the first boot, and `first_primary` is the primary.
    """
    newest = _newest(seen.peers)
    if newest is not None and (seen.kept is None or newest.config_epoch > seen.kept.config_epoch):
        return _adopted(newest, seen.kept)
    if seen.kept is not None:
        return seen.kept
    if None not in seen.peers.values() or lasted >= FIRST_BOOT_PATIENCE:
        return SentinelState(first_primary)
    return None


def _newest(peers: Mapping[str, Knowledge | None]) -> SentinelState | None:
    known = [peer for peer in peers.values() if peer is not None and peer.primary is not None]
    if not known:
        return None
    best = max(known, key=lambda peer: peer.config_epoch)
    return SentinelState(best.primary or "", best.config_epoch, best.config_epoch, best.config_epoch)


def _adopted(newest: SentinelState, kept: SentinelState | None) -> SentinelState:
    """Take over the primary, but never vote again in an epoch that one has voted in."""
    if kept is None:
        return newest
    return SentinelState(
        primary=newest.primary,
        config_epoch=newest.config_epoch,
        leader_epoch=max(newest.leader_epoch, kept.leader_epoch),
        current_epoch=max(newest.current_epoch, kept.current_epoch),
    )
