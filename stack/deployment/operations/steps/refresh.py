"""`deploy.py up --refresh`: build every image anew on today's packages, and say what that changed."""

from collections.abc import Mapping
from datetime import UTC, datetime

from deployment.engine.images import base, builds, images, packages
from deployment.engine.images.base import Bases
from deployment.engine.machine.engine import Client
from deployment.progress import Progress


def refresh(client: Client, before: Bases, progress: Progress) -> None:
    """Build all images on a base of today, beside those that are here, and take them into use if they differ.

    Where nothing changed, and where something fails, what was here stays what `up` deploys.
    """
    old = _named(client, before)
    time = packages.stamp(datetime.now(UTC), packages.recorded(client), packages.as_of(client, before.debian))
    with progress.task("Listing the packages that are in use"):
        were = _installed(client, old)
    try:
        new = base.renewed(client, before, time, progress)
        builds.build(base.references(client, new), new, progress)
        with progress.task("Comparing packages"):
            found = packages.changes(were, _installed(client, _named(client, new)))
    except BaseException:
        base.reject(client)
        raise
    for line in found or ["Nothing changed: the images are of today."]:
        progress.say(f"    {line}")
    (base.adopt if found else base.reject)(client)


def _named(client: Client, bases: Bases) -> dict[str, str]:
    return base.named(base.references(client, bases))


def _installed(client: Client, named: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        name: packages.installed(client, image)
        for name, image in named.items()
        if images.exists(client, image)
    }
