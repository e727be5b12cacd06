"""The Swarm, and what has to be in it before a stack can be deployed."""

from deployment.engine.images import packages
from deployment.engine.records import options as recorded_options
from deployment.engine.secrets import credentials
from deployment.engine.swarm import membership, nodes
from deployment.operations.release import source
from deployment.operations.runner.site import Site
from deployment.plan.release import options
from deployment.plan.swarm import placement


class Swarm:
    """The engine is a manager of a Swarm."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name the Swarm if there is none."""
        return [] if site.managed else ["initialise a Swarm of this one node"]

    def do(self, site: Site) -> None:
        """Make one."""
        with site.progress.task("Initialising a Swarm of this one node"):
            membership.initialise(site.engine, site.settings.advertise_addr)


class Labels:
    """Some node carries each slot, and some let visitors in."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name the labels that nobody has, and who gets them."""
        added = placement.spread(site.nodes)
        return [f"label {n.name}: {', '.join(added[n.id])}" for n in site.nodes if n.id in added]

    def do(self, site: Site) -> None:
        """Give them."""
        nodes.add_labels(site.engine, placement.spread(site.nodes))


class Secrets:
    """Every password and the local authority are there, and what the user gave in files."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name those that are to be made."""
        absent = site.secrets_missing
        return [f"create Swarm secrets: {', '.join(absent)}"] if absent else []

    def do(self, site: Site) -> None:
        """Make them."""
        credentials.create(site.engine, site.secrets_missing, site.chosen.given)


class Options:
    """The Swarm knows which option has which key, before anybody votes by it."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say what becomes of the options."""
        decided = source.decided_options(site)
        if site.options is None or not (site.managed and recorded_options.kept(site.engine)):
            return [f"offer {', '.join(decided.names[key] for key in decided.offered)}"]
        tally = options.tally_of(site.picture.votes)
        lines = list(options.changes(site.options, decided, tally))
        return lines or ([] if site.options == decided else ["offer the options in another order"])

    def do(self, site: Site) -> None:
        """Keep it in the Swarm."""
        recorded_options.record(site.engine, source.decided_options(site))


class Packages:
    """The Swarm knows as of when the images' packages are, so that no manager deploys older ones."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say so after a refresh."""
        time = packages.as_of(site.engine, site.bases.debian) if site.bases else ""
        if not time or (site.managed and packages.recorded(site.engine) >= time):
            return []
        return [f"keep in the Swarm that the images' packages are as of {time}"]

    def do(self, site: Site) -> None:
        """Keep it."""
        if site.bases:
            packages.record(site.engine, packages.as_of(site.engine, site.bases.debian))
