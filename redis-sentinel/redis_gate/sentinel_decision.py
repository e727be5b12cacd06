"""From what a Sentinel kept and what its peers know to the state that it starts with."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

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
    """What this Sentinel kept, and what each peer answers (None: nothing).

    `damaged` means that it had kept something which cannot be read.
    """

    kept: SentinelState | None
    peers: Mapping[str, Knowledge | None]
    damaged: bool = False


def decide(seen: SentinelObservation, lasted: float, first_primary: str) -> SentinelState | None:
    """Choose the newest knowledge there is, or None while it is better to ask again.

    With no knowledge anywhere `first_primary` is the primary: this is the first boot, or nobody kept
    anything. A Sentinel whose file is damaged was there before: it waits for all peers rather than guess.
    """
    newest, witnesses = _newest(seen.peers)
    if newest is not None and (seen.kept is None or _outdated(seen.kept, newest, witnesses)):
        return _adopted(newest, seen.kept)
    if seen.kept is not None:
        return seen.kept
    patience = inf if seen.damaged else FIRST_BOOT_PATIENCE
    if None not in seen.peers.values() or lasted >= patience:
        return SentinelState(first_primary)
    return None


def _newest(peers: Mapping[str, Knowledge | None]) -> tuple[SentinelState | None, int]:
    """Return what the latest epoch says, and how many peers say so."""
    known = [peer for peer in peers.values() if peer is not None and peer.primary is not None]
    if not known:
        return None, 0
    epoch = max(peer.config_epoch for peer in known)
    named = Counter(peer.primary or "" for peer in known if peer.config_epoch == epoch)
    [(primary, witnesses)] = named.most_common(1)
    return SentinelState(primary, epoch, epoch, epoch), witnesses


def _outdated(kept: SentinelState, newest: SentinelState, witnesses: int) -> bool:
    """Tell whether to believe the peers: an epoch has one primary, so who differs alone misread."""
    if newest.config_epoch == kept.config_epoch:
        return newest.primary != kept.primary and witnesses > 1
    return newest.config_epoch > kept.config_epoch


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
