"""What was deployed and found good is kept, and what nothing needs any more is removed."""

from deployment.engine.images import images
from deployment.engine.records import releases
from deployment.engine.secrets import credentials
from deployment.operations.release import source
from deployment.operations.runner.site import Site, me, now
from deployment.plan.release import bucket, history
from deployment.plan.release.history import Deployment


class Record:
    """The Swarm keeps this release as one that was good."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say so if the newest on record is another one, or ran otherwise."""
        if site.wanted is None:
            return []
        known = site.last and site.last.release.identity == site.wanted.identity
        if known and site.last and site.last.services == site.services:
            return []
        return [f"keep release {site.wanted.identity} in the Swarm, as number {self._number(site)}"]

    def do(self, site: Site) -> None:
        """Keep it; from now on it is what is wanted, which may have followed from the record before."""
        site.freeze()
        new = Deployment(
            number=self._number(site),
            at=now(),
            by=me(),
            source=site.source or source.revision(),
            verb=site.verb,
            release=site.require_wanted(),
            services=site.services,
            scaled=site.scaled,
        )
        releases.keep(site.engine, new, site.deployments)

    def _number(self, site: Site) -> int:
        return site.last.number + 1 if site.last else 1


class Sweep:
    """Nothing is left of what neither runs nor may come back."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name the images, secrets and configs that are left."""
        if not site.managed or site.wanted is None or site.swept:
            return []
        items = [str(item.name) for item in unneeded(site)]
        return [
            *(
                [f"remove images that nothing needs: {', '.join(names)}"]
                if (names := self._images(site))
                else []
            ),
            *([f"remove secrets and configs that nothing needs: {', '.join(items)}"] if items else []),
        ]

    def do(self, site: Site) -> None:
        """Remove them; what somebody has taken up meanwhile stays."""
        site.swept = True
        images.remove(site.engine, self._images(site))
        credentials.remove(unneeded(site))

    def _images(self, site: Site) -> list[str]:
        built = site.references.values()  # of a registry's image the name here is another
        return images.surplus(site.engine, {*built, *history.images_kept(site.wanted, site.deployments)})


def unneeded(site: Site) -> list[credentials.Item]:
    """Return the secrets and configs that neither run nor may come back."""
    keys = history.secrets_kept(site.wanted, site.deployments)
    last = bucket.newest(deployment.release for deployment in site.deployments)
    names = bucket.keys_of(last) if last else ()
    return credentials.unused(site.engine, {*credentials.MADE, *credentials.BACKUP, *keys}, names)
