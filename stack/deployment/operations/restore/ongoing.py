"""Which restoration goes on: the one that was begun before, or a new one."""

from datetime import UTC, datetime

from deployment.engine import restoration as runner
from deployment.engine.records import restoration as kept_in_swarm
from deployment.operations.runner.site import Site, me, now
from deployment.plan import restoration as plan
from deployment.plan.restoration import Restoration


def begin(site: Site, to: str) -> tuple[Restoration, Restoration | None]:
    """Return the restoration that was begun for this moment, else a new one; and the one that is kept.

    Before the votes are in their place, one was given up if the voting is not paused for it any more.
    """
    kept = kept_in_swarm.read(site.engine)
    fresh = _fresh(site, to, kept)
    if kept is None or kept.to != to:
        return fresh, kept
    state = runner.part(site.engine, "state", kept.mark)
    swapped = bool(state and state["swapped"])
    return (kept if swapped or is_paused_for(kept, site) else fresh), kept


def _fresh(site: Site, to: str, kept: Restoration | None) -> Restoration:
    """Return a new one, for which voting is paused as it is now, if it is."""
    since, pause = now(), site.maintenance
    paused = kept.paused if kept and is_paused_for(kept, site) else pause is not None
    mark = plan.mark(datetime.now(UTC))
    return Restoration(mark, to, me(), since, pause.since if pause else since, paused=paused)


def is_paused_for(kept: Restoration, site: Site) -> bool:
    """Say whether it is the pause that this one made, or found."""
    return site.maintenance is not None and site.maintenance.since == kept.pause


def is_half_done(site: Site, kept: Restoration) -> bool:
    """Say whether its votes are in their place, and something of it is still to be done."""
    state = runner.part(site.engine, "state", kept.mark)
    return bool(state and state["swapped"] and not state["ended"])


def goes_on(site: Site, wanted: Restoration) -> bool:
    """Say whether it was begun before."""
    kept = kept_in_swarm.read(site.engine)
    return kept is not None and kept.mark == wanted.mark
