"""What was deployed, one after the other, and what has to stay so that each of it can come back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from deployment.plan import release
from deployment.plan.drift import Service
from deployment.plan.release import Release

# As many deployments are kept, and the images of so many different releases.
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


def chosen(kept: Sequence[Deployment], wanted: str) -> Deployment | None:
    """Return the deployment that a user means: by number, by the release's identity, or the one before."""
    if not wanted:
        others = [d for d in kept if d.release.identity != kept[-1].release.identity]
        return others[-1] if others else None
    return next((d for d in reversed(kept) if wanted in (str(d.number), d.release.identity)), None)


def changed(kept: Sequence[Deployment]) -> dict[int, list[str]]:
    """Say what each deployment changed in the one before it, by number; of the oldest nothing is known."""
    pairs = pairwise(kept)
    return {new.number: release.told(release.changes(old.release, new.release)) for old, new in pairs}


def images_kept(newest: Release | None, kept: Sequence[Deployment]) -> set[str]:
    """Return the images that must stay: those of the last releases, the `newest` among them."""
    releases = {r.identity: r for r in _newest_first(newest, kept)}
    return {image for one in list(releases.values())[:WITH_IMAGES] for image in one.images.values()}


def secrets_kept(newest: Release | None, kept: Sequence[Deployment]) -> set[str]:
    """Return the keys of the secrets that some release which can come back needs."""
    return {key for one in _newest_first(newest, kept) for key in one.secrets}


def _newest_first(newest: Release | None, kept: Sequence[Deployment]) -> Iterable[Release]:
    return [*([newest] if newest else []), *(deployment.release for deployment in reversed(kept))]
