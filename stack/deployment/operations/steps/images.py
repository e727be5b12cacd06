"""The engine, the images, and where the nodes get them."""

from contextlib import closing
from functools import partial

from deployment.engine.images import base, builds, registry
from deployment.engine.images.builds import AT_ONCE
from deployment.engine.images.parallel import side_by_side
from deployment.engine.machine import engine
from deployment.errors import DeployError
from deployment.operations.release import source
from deployment.operations.runner.site import Site
from deployment.operations.steps import refresh


class Engine:
    """A Docker Engine answers."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name the engine if there is none."""
        return [] if site.client else ["install and start the distribution's Docker Engine"]

    def do(self, site: Site) -> None:
        """Install and start it."""
        site.client = engine.install(site.progress)


class Bases:
    """Both third-party images are here, as old at most as what runs."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name them if one is missing."""
        return [] if site.bases else ["pull the base images, or build stand-ins where no registry answers"]

    def do(self, site: Site) -> None:
        """Pull them, or build stand-ins."""
        base.provide(site.engine, site.progress)


class Refresh:
    """All images are built on today's packages, where the user asks for that."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say so until it was done."""
        if not site.refresh:
            return []
        return ["build every image on today's packages, and change nothing where they are the same"]

    def do(self, site: Site) -> None:
        """Build them beside those that are here, and take them if they differ."""
        if site.bases:
            refresh.refresh(site.engine, site.bases, site.progress, site.components)
        site.refresh = False


class Images:
    """Every image of the checkout is here, or in the registry."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name those that are to be built."""
        if not site.bases:
            return ["build images: all"]
        names = [component.name for component in source.unbuilt(site)]
        return [f"build images: {', '.join(names)}"] if names else []

    def do(self, site: Site) -> None:
        """Build them, several at once."""
        if not site.bases:
            raise DeployError(
                "A base image was removed while this ran. Nothing that runs was changed.",
                "Does somebody run `docker image prune` here? Then run the same command again.",
            )
        builds.build(source.unbuilt(site), site.bases, site.progress)


class Push:
    """The registry, where there is one, has every image."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name those that it is still to get."""
        if site.bases:
            names = [name for name, image in source.deployed(site).items() if image is None]
        else:
            names = ["all"] if site.settings.registry else []
        return [f"push images to the registry: {', '.join(names)}"] if names else []

    def do(self, site: Site) -> None:
        """Push them: the first alone, as the others have most of its layers."""
        prefix, run = site.settings.registry, base.named(site.references)

        def push(name: str) -> None:
            what = f"Pushing {registry.remote(run[name], prefix)}"
            with closing(engine.require()) as client, site.progress.task(what) as task:
                registry.push(client, run[name], prefix, task)

        works = [partial(push, name) for name, image in source.deployed(site).items() if image is None]
        for first in works[:1]:
            first()
        side_by_side(works[1:], AT_ONCE, site.progress)
