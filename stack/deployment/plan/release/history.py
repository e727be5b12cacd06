"""What was deployed, one after the other, and what has to stay so that each of it can come back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from deployment.plan.release import bucket, release
from deployment.plan.release.drift import Service
from deployment.plan.release.release import Release, never_goes_back

# As many different releases are kept, and so many different sets of their images.
KEPT, WITH_IMAGES = 10, 3


@dataclass(frozen=True)
class Deployment:
    """A release that was deployed and found good: by whom, when, from what, and what then ran."""

    number: int
    at: str  # RFC 3339
    by: str
    source: str  # the git revision, and whether the tree had other changes
    verb: str
    release: Release
    services: Mapping[str, Service]
    scaled: Mapping[str, int] = field(default_factory=dict)  # replicas that `scale` chose, by their variable


def retained(kept: Sequence[Deployment]) -> list[Deployment]:
    """Return the deployments that stay: the newest of each of the last releases, the oldest first.

    What differs in nothing but what never goes back is one release: nobody can go from one to the other. That
    a rollback took the monitoring away stays known.
    """
    newest = {(_as_today(d, kept).identity, _unwatching(d)): d for d in kept}
    return sorted(newest.values(), key=lambda deployment: deployment.number)[-KEPT:]


def chosen(kept: Sequence[Deployment], wanted: str, running: Collection[str]) -> Deployment | None:
    """Return the deployment that a user means: by number, by the release's identity, or the one before.

    Where services run another release than the last good one, that one is the one before.
    """
    if not wanted:
        last = kept[-1].release.identity if kept else ""
        others = [d for d in kept if _as_today(d, kept).identity != last or set(running) - {last}]
        return others[-1] if others else None
    return next((d for d in reversed(kept) if wanted in (str(d.number), d.release.identity)), None)


def _as_today(one: Deployment, kept: Sequence[Deployment]) -> Release:
    """Return its release with what never goes back as it is today: secrets, poll and bucket."""
    newest = kept[-1].release.variables
    never = (name for name in one.release.variables if name in newest and never_goes_back(name))
    alike = one.release.having({name: newest[name] for name in never})
    return bucket.kept(alike, bucket.newest(d.release for d in kept))


def changed(kept: Sequence[Deployment]) -> dict[int, list[str]]:
    """Say what each deployment changed in the one before it, by number; of the oldest nothing is known."""
    pairs = pairwise(kept)
    return {new.number: release.told(release.changes(old.release, new.release)) for old, new in pairs}


def _unwatching(one: Deployment) -> bool:
    return one.verb.startswith("rollback") and not one.release.watched


def unwatched(kept: Sequence[Deployment]) -> bool:
    """Whether a rollback took the monitoring away, and none has come since."""
    if not kept or kept[-1].release.watched:
        return False
    after = [new for old, new in pairwise(kept) if old.release.watched]
    return bool(after) and _unwatching(after[-1])


def images_kept(newest: Release | None, kept: Sequence[Deployment]) -> set[str]:
    """Return the images that must stay: the last different sets of them, those of the `newest` first."""
    sets = dict.fromkeys(frozenset(one.images.values()) for one in _newest_first(newest, kept))
    return {image for those in list(sets)[:WITH_IMAGES] for image in those}


def secrets_kept(newest: Release | None, kept: Sequence[Deployment]) -> set[str]:
    """Return the keys of the secrets that some release which can come back needs."""
    return {key for one in _newest_first(newest, kept) for key in one.secrets}


def _newest_first(newest: Release | None, kept: Sequence[Deployment]) -> Iterable[Release]:
    return [*([newest] if newest else []), *(deployment.release for deployment in reversed(kept))]
