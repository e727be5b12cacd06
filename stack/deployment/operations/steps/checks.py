"""What could not work is refused before anything is changed."""

from deployment.engine.images import images
from deployment.engine.machine import advertise, host
from deployment.engine.secrets import credentials, kits
from deployment.engine.swarm import networks, services
from deployment.errors import DeployError
from deployment.operations.runner.operation import Check
from deployment.operations.runner.site import Site
from deployment.plan.swarm import placement


class Checks(Check):
    """The sources, the machine and the Swarm allow what is wanted."""

    def require(self, site: Site) -> None:
        """Raise DeployError naming what does not."""
        if site.managed:
            kits.require_whole(site.engine)
        images.require_sound_sources()
        placement.require_usable(placement.labelled(site.nodes, placement.spread(site.nodes)))
        placement.require_way_for_images(site.nodes, site.settings.registry or site.settings.images)
        networks.check(site.client, site.chosen)
        advertise.said(site.client, site.settings.advertise_addr)
        if site.client:
            credentials.check_volumes(site.client, site.secrets)
        require_published(site)
        host.check(_machine(site), _ports(site), fresh=_builds(site))


class Deployed(Check):
    """The stack is up: what changes one thing of it does not bring up all of it."""

    def require(self, site: Site) -> None:
        """Raise DeployError if it is not."""
        if not site.handed:
            raise DeployError("The stack is down. Nothing was changed.", "Bring it up: python3 deploy.py up")


class Published(Check):
    """Where published images are wanted they are there: without an engine, nobody could ask before."""

    def require(self, site: Site) -> None:
        """Raise DeployError naming the first that is not."""
        require_published(site)


def require_published(site: Site) -> None:
    """Raise DeployError where published images are wanted, but are not there or are to be built anew."""
    if site.settings.images and site.refresh:
        raise DeployError(
            "--refresh builds images, and IMAGES takes published ones: their packages come with a release.",
            "Check out a newer release, or unset IMAGES to build the images here.",
        )
    _ = site.published  # raises where one is missing


def _builds(site: Site) -> bool:
    """Whether all images are to be built."""
    return not site.settings.images and (site.refresh or not site.bases)


def _machine(site: Site) -> host.Host:
    """Look at the machine that the engine is on."""
    if not site.local:
        return host.of_engine(site.engine.info())
    root = str(site.client.info()["DockerRootDir"]) if site.client else "/var"
    return host.observe(root)


def _ports(site: Site) -> dict[str, int]:
    """Return the ports that must be free, by variable: none of those that our own edge holds."""
    wanted = {"HTTP_PORT": site.settings.http_port, "HTTPS_PORT": site.settings.https_port}
    held = services.published_ports(site.engine, "traefik") if site.managed else set()
    return {variable: port for variable, port in wanted.items() if port not in held}
