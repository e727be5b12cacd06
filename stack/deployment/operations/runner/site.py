"""What a verb works on: settings, the engine and its Swarm as they are, and the release that is wanted."""

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deployment.configuration.settings import Settings
from deployment.engine import observer
from deployment.engine.images import base, grafana, images, published, registry
from deployment.engine.images.base import Bases
from deployment.engine.images.images import Component
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client
from deployment.engine.records import maintenance as kept_maintenance
from deployment.engine.records import options as recorded_options
from deployment.engine.records import releases
from deployment.engine.secrets import credentials, versions
from deployment.engine.swarm import membership, nodes, services
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.plan.cluster.picture import UNKNOWN, Picture
from deployment.plan.cluster.topology import served_by
from deployment.plan.maintenance import Maintenance
from deployment.plan.release import drift, formats, inside
from deployment.plan.release.entrance import Entrance
from deployment.plan.release.formats import Formats
from deployment.plan.release.history import Deployment
from deployment.plan.release.inside import Told
from deployment.plan.release.options import Change, Options
from deployment.plan.release.release import Release
from deployment.plan.release.rotation import Version
from deployment.plan.swarm import placement
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress

if TYPE_CHECKING:
    from deployment.operations.runner.pause import Pause


def now() -> str:
    """Return the time as the Docker API writes it."""
    return datetime.now(UTC).isoformat()


def me() -> str:
    """Return who runs this, as user@machine; the person before `sudo`, and a number that has no name."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # what it raises depends on the version of Python
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@dataclass
class Site:
    """The engine and its Swarm; what was seen once is kept until `look_again`.

    `goal` returns the release that is wanted, or None while it cannot be known: it follows from images that
    are still to be built, or from secrets that are still to be made.
    """

    settings: Settings
    progress: Progress
    client: Client | None
    goal: Callable[["Site"], Release | None]
    verb: str = "up"
    again: str = "Run the same command again: it goes on from here."  # what is said to who interrupts it
    refresh: bool = False
    change_options: Change | None = None
    since: str = field(default_factory=now)  # failures count from then
    names: tuple[str, str] | None = None  # of the pages; without them those of the settings
    source: str = ""  # where a former release came from; without it the release is this checkout's
    scaled: Mapping[str, int] = field(default_factory=dict)  # replicas that `scale` chose, by their variable
    ran: frozenset[str] = frozenset()  # identities of the releases that services had when the verb began
    before: frozenset[str] = frozenset()  # what was missing when the verb began
    left: frozenset[str] = frozenset()  # data nodes that cannot be updated one at a time
    careful: bool = False  # whether no data node may be restarted where a peer of it is away
    swept: bool = False
    pause: "Pause | None" = None  # the time in which no votes are taken
    frozen: Release | None = None
    turn: Callable[[], None] = lambda: None  # raises DeployError if another verb has the turn
    refusals: dict[str, str | None] = field(default_factory=dict)  # of registries; each is asked once

    def look_again(self) -> None:
        """Forget what was seen, after something was changed."""
        for name, part in vars(type(self)).items():
            if isinstance(part, cached_property):
                vars(self).pop(name, None)

    @property
    def engine(self) -> Client:
        """The engine, in a step that cannot do without."""
        if self.client is None:
            raise DeployError("No Docker Engine answers on this machine.", "Start it, then run this again.")
        return self.client

    @cached_property
    def membership(self) -> Membership:
        """What this engine is in a Swarm; raises DeployError if this node cannot deploy."""
        found = membership.membership(self.client) if self.client else Membership.NONE
        membership.require_manager(found)
        return found

    @property
    def managed(self) -> bool:
        """Whether there is a Swarm already."""
        return self.membership is Membership.MANAGER

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The Swarm's nodes; before there is a Swarm, the one that it will begin with."""
        return nodes.observe(self.engine) if self.managed else (placement.THIS_NODE,)

    @cached_property
    def specifications(self) -> list[dict[str, Any]]:
        """Every service of the stack, as the Docker API describes it."""
        return services.specifications(self.engine) if self.managed else []

    @cached_property
    def services(self) -> dict[str, drift.Service]:
        """What every service of the stack is, by name."""
        return services.described(self.specifications)

    @cached_property
    def handed(self) -> dict[str, str]:
        """Identity of the release that each service was handed with, by name."""
        return services.handed(self.specifications)

    @cached_property
    def formats(self) -> list[Formats]:
        """What is written and read by what runs, and by what was good last, whose entries may still wait."""
        last = formats.of_services(self.last.release.services) if self.last else []
        return [*services.formats_of(self.specifications), *last]

    @cached_property
    def told(self) -> dict[str, Told]:
        """What every service that runs was told of TLS, by name."""
        return services.told(self.specifications)

    def servers(self, cluster: str) -> list[Told]:
        """Return what those that clients reach a cluster by were told of TLS."""
        return [told for name, told in self.told.items() if served_by(name) == cluster]

    @cached_property
    def deployments(self) -> tuple[Deployment, ...]:
        """What was deployed and found good, the oldest first."""
        return releases.read(self.engine) if self.managed else ()

    @property
    def last(self) -> Deployment | None:
        """What was deployed last."""
        return self.deployments[-1] if self.deployments else None

    @cached_property
    def chosen(self) -> Settings:
        """The settings; where they do not say whether the stack is watched, it stays as it was.

        Grafana is left out where its image is not to be had.

        A verb that was interrupted may have started what no release on record has.
        """
        watched = self.settings.monitoring
        if watched is None:
            watched = "prometheus" in self.services or bool(self.last and self.last.release.watched)
        found = self.settings.model_copy(update={"monitoring": watched})
        if found.dashboards and self.client and not grafana.runs(self.services):
            if grafana.IMAGE not in self.refusals:
                alone = len(self.nodes) == 1
                self.refusals[grafana.IMAGE] = grafana.refusal(self.client, self.progress.say, alone=alone)
            return found.model_copy(update={"grafana": self.refusals[grafana.IMAGE] is None})
        return found

    @property
    def components(self) -> tuple[Component, ...]:
        """What has an image of its own in the stack that is wanted."""
        return images.needed(monitoring=bool(self.chosen.monitoring))

    @cached_property
    def picture(self) -> Picture:
        """How both clusters, the queue and the votes are."""
        return observer.observe(self.engine) if self.managed else UNKNOWN

    @cached_property
    def options(self) -> Options | None:
        """The options that were deployed last."""
        return recorded_options.recorded(self.engine) if self.managed else None

    @cached_property
    def maintenance(self) -> Maintenance | None:
        """Who paused the voting, if anybody did."""
        return kept_maintenance.read(self.engine) if self.managed else None

    @cached_property
    def bases(self) -> Bases | None:
        """The base images, if they are here."""
        return base.present(self.engine) if self.client else None

    @cached_property
    def images(self) -> dict[str, tuple[str, ...]]:
        """Every image that the engine has, with its digests in registries."""
        return registry.observe(self.engine) if self.client else {}

    @cached_property
    def references(self) -> dict[Component, str]:
        """The image of each component as it is to be built; none while the bases are not there.

        Where published images are taken there are none, either.
        """
        if self.settings.images or not self.bases:
            return {}
        return base.references(self.engine, self.bases, self.components)

    @cached_property
    def published(self) -> dict[str, str]:
        """The image of each component as it was published; raises as `published.resolve` does."""
        prefix = self.settings.images
        return published.resolve(self.engine, prefix, self.components) if prefix and self.client else {}

    @cached_property
    def available(self) -> dict[str, tuple[str, ...]]:
        """Every image that is here or, as another manager's work, in the registry, with its digests there."""
        absent = [image for image in self.references.values() if image not in self.images]
        offered = registry.offered(self.engine, absent, self.settings.registry) if absent else {}
        return {**self.images, **offered}

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Names of the newest secrets, by key."""
        return credentials.observe(self.engine, self.hosts, self.chosen.given) if self.managed else {}

    @cached_property
    def versions(self) -> dict[str, list[Version]]:
        """What there is of each secret, by key, the oldest first."""
        return versions.read(self.engine) if self.managed else {}

    @property
    def stages(self) -> dict[str, str]:
        """How far the change of each secret is, by key."""
        return {key: found[-1].stage for key, found in self.versions.items()}

    @property
    def secrets_missing(self) -> list[str]:
        """Keys of the secrets that are still to be made."""
        backed_up = bool(self.settings.backup_store)
        return credentials.missing(self.secrets, self.chosen.given, backed_up=backed_up)

    @property
    def hosts(self) -> tuple[str, str]:
        """Host names of the two pages."""
        return self.names or self.settings.hosts

    @cached_property
    def wanted(self) -> Release | None:
        """The release that is wanted, once it can be known."""
        if self.frozen:
            return self.frozen
        release = self.goal(self)
        return inside.agreed(release, self.told) if release else None

    def freeze(self) -> None:
        """Settle what is wanted, before what runs is changed: from now on failures count.

        Whatever becomes of the checkout or the registry meanwhile, this is what is deployed.
        """
        if self.frozen is None:
            self.frozen, self.since = self.require_wanted(), engine.time_now(self.engine)

    def require_wanted(self) -> Release:
        """Return the release that is wanted, in a step that comes when all it follows from is there."""
        if self.wanted is None:
            raise DeployError(
                "What is to be deployed is not known: an image or a secret is gone again.",
                "Does somebody else work on this engine? Run the same command again.",
            )
        return self.wanted

    def entrance(self, release: Release) -> Entrance:
        """Return how visitors reach the pages of a release."""
        return credentials.entrance_of(self.engine, release)

    @property
    def local(self) -> bool:
        """Whether the engine is this machine's own."""
        return self.client is None or engine.is_local(self.client)
