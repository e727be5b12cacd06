"""Decide first: what `up` would do, as data that can be printed, compared and carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployment import credentials
from deployment.images import Component
from deployment.swarm import Membership


@dataclass(frozen=True)
class Observed:
    """What is there now. Without an engine everything is missing."""

    engine: bool
    membership: Membership = Membership.NONE
    bases: bool = False
    images: frozenset[str] = frozenset()
    secrets: Mapping[str, str] = field(default_factory=dict)
    missing_labels: tuple[str, ...] = ()
    release: str | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done, in this order; empty parts are done already."""

    install_engine: bool
    initialise_swarm: bool
    label_node: tuple[str, ...]
    provide_bases: bool
    build: tuple[str, ...]
    create_secrets: tuple[str, ...]
    deploy: bool

    @property
    def empty(self) -> bool:
        """Whether nothing is to be done."""
        return not any(vars(self).values())

    def lines(self) -> list[str]:
        """Describe the plan, one line for each step."""
        steps = {
            "install and start the distribution's Docker Engine": self.install_engine,
            "initialise a Swarm of this one node": self.initialise_swarm,
            f"label this node: {', '.join(self.label_node)}": self.label_node,
            "pull the base images, or build stand-ins where no registry answers": self.provide_bases,
            f"build images: {', '.join(self.build)}": self.build,
            f"create Swarm secrets: {', '.join(self.create_secrets)}": self.create_secrets,
            "deploy the stack and wait until it is healthy": self.deploy,
        }
        return [step for step, wanted in steps.items() if wanted]


def make(
    observed: Observed,
    wanted: Mapping[Component, str] | None,
    release: str | None,
    labels: tuple[str, ...],
) -> Plan:
    """Compare what is there with what is wanted.

    `wanted` maps each component to its image, or is None while the base images, on which the tags
    depend, are not known. `release` is the identity of the wanted release where it can be known.
    """
    missing = credentials.missing(observed.secrets)
    names = tuple(c.name for c, image in (wanted or {}).items() if image not in observed.images)
    return Plan(
        install_engine=not observed.engine,
        initialise_swarm=observed.membership is Membership.NONE,
        label_node=labels if observed.membership is Membership.NONE else observed.missing_labels,
        provide_bases=not observed.bases,
        build=names if wanted is not None else ("all",),
        create_secrets=tuple(missing),
        deploy=release is None or release != observed.release,
    )
