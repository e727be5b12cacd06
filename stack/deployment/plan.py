"""Decide first: what `up` would do, as data that can be printed, compared and carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployment import credentials, nodes
from deployment.images import Component
from deployment.nodes import Node
from deployment.options import Options
from deployment.registry import Digests
from deployment.swarm import Membership

# What a Swarm that is yet to be made consists of.
THIS_NODE = Node("", "this node", manager=True)


@dataclass(frozen=True)
class Observed:
    """What is there now. Without an engine everything is missing."""

    engine: bool
    membership: Membership = Membership.NONE
    bases: bool = False
    images: Digests = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    release: str | None = None
    changed: tuple[str, ...] = ()  # what is not as it was deployed
    options: Options | None = None

    @property
    def swarm(self) -> tuple[Node, ...]:
        """The Swarm's nodes; before there is a Swarm, the one that it will begin with."""
        return self.nodes if self.membership is Membership.MANAGER else (THIS_NODE,)


@dataclass(frozen=True)
class Plan:
    """What is to be done, in this order; empty parts are done already."""

    install_engine: bool
    initialise_swarm: bool
    label_nodes: tuple[tuple[str, tuple[str, ...]], ...]  # each node's name, and its new labels
    provide_bases: bool
    build: tuple[str, ...]
    push: tuple[str, ...]
    create_secrets: tuple[str, ...]
    change_options: tuple[str, ...]
    restore: tuple[str, ...]
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
            **{f"label {node}: {', '.join(labels)}": True for node, labels in self.label_nodes},
            "pull the base images, or build stand-ins where no registry answers": self.provide_bases,
            f"build images: {', '.join(self.build)}": self.build,
            f"push images to the registry: {', '.join(self.push)}": self.push,
            **dict.fromkeys(self.change_options, True),
            f"create Swarm secrets: {', '.join(self.create_secrets)}": self.create_secrets,
            f"restore what was changed since the last deployment: {', '.join(self.restore)}": self.restore,
            "deploy the stack, data nodes that run one at a time, and wait until it is healthy": self.deploy,
        }
        return [step for step, wanted in steps.items() if wanted]


def make(
    observed: Observed,
    wanted: Mapping[Component, str] | None,
    release: str | None,
    unpushed: tuple[str, ...] = (),
    changes: tuple[str, ...] = (),
) -> Plan:
    """Compare what is there with what is wanted.

    `wanted` maps each component to its image, or is None while the base images, on which the tags
    depend, are not known. `release` is the identity of the wanted release where it can be known.
    `unpushed` names the images that a registry is still to get. `changes` says what becomes of the options.
    """
    added = nodes.spread(observed.swarm)
    missing = credentials.missing(observed.secrets)
    names = tuple(c.name for c, image in (wanted or {}).items() if image not in observed.images)
    return Plan(
        install_engine=not observed.engine,
        initialise_swarm=observed.membership is Membership.NONE,
        label_nodes=tuple((node.name, added[node.id]) for node in observed.swarm if node.id in added),
        provide_bases=not observed.bases,
        build=names if wanted is not None else ("all",),
        push=unpushed,
        create_secrets=tuple(missing),
        change_options=changes,
        restore=observed.changed,
        deploy=release is None or release != observed.release or bool(observed.changed),
    )
