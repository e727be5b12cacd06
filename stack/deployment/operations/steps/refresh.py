"""`deploy.py up --refresh`: build every image anew on today's packages, and say what that changed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from deployment.engine.images import base, builds, images, packages
from deployment.engine.images.base import Bases
from deployment.engine.images.images import Component
from deployment.engine.machine.engine import Client
from deployment.progress import Progress


def refresh(client: Client, before: Bases, progress: Progress, components: Iterable[Component]) -> None:
    """Build images on a base of today, beside those that are here, and take them into use if they differ.

    Where nothing changed, and where something fails, what was here stays what `up` deploys.
    """
    wanted = tuple(components)
    old = base.named(base.references(client, before, wanted))
    time = packages.stamp(datetime.now(UTC), packages.recorded(client), packages.as_of(client, before.debian))
    with progress.task("Listing the packages that are in use"):
        were = _installed(client, old)
    try:
        new = base.renewed(client, before, time, progress)
        built = base.references(client, new, wanted)
        builds.build(built, new, progress)
        with progress.task("Comparing packages"):
            found = packages.changes(were, _installed(client, base.named(built)))
    except BaseException:
        base.reject(client)
        raise
    for line in found or ["Nothing changed: the images are of today."]:
        progress.say(f"    {line}")
    (base.adopt if found else base.reject)(client)


def _installed(client: Client, named: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        name: packages.installed(client, image)
        for name, image in named.items()
        if images.exists(client, image)
    }
