"""How a secret is changed while everybody works: which of its versions is sent, and which is good beside it.

A secret that can be changed is mounted twice by whoever has to know two: as KEY, which is sent, and as
KEY_other, which is good as well. Each stage is one rollout; who has it understands whoever does not yet.

While nothing is changed, KEY_other is a secret of its own that says so, and no second mount of KEY: Docker's
command puts two mounts of one secret in another order each time, and replaces a service for that.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """How far the newest version of a secret is; it is a label of that version in the Swarm."""

    ACCEPTED = "accepted"  # it is good, and the one before is sent
    SENT = "sent"  # it is sent, and the one before is still good
    ALONE = "alone"  # nothing else is good
    SETTLED = ""  # as before, and all that runs knows it
    KEPT = "kept"  # it is sent, all that runs knows it, and the one before stays good


# One rollout each, in this order.
ROLLOUTS = (Stage.ACCEPTED, Stage.SENT, Stage.ALONE)
DONE = (Stage.SETTLED, Stage.KEPT)
OTHER = "_other"
ROTATE = "python3 deploy.py secrets rotate"
# What KEY_other holds while nothing else is good.
NONE = b"none"
# What is still good when a voter comes back: a cookie lives for a year.
KEEPING = ("voter_cookie_key",)
# A second change of what is kept forgets voters. Whom the token replaces lets visitors in: where there is but
# one of those, nobody is let in meanwhile.
BY_NAME_ALONE = (*KEEPING, "certificates_token")
# What all that use it can take two of.
ROTATABLE = (
    *KEEPING,
    "probe_key",
    "postgres_repmgr_password",
    "postgres_pgpool_password",
    "postgres_worker_password",
    "postgres_result_password",
    "postgres_observer_password",
    "postgres_certificates_password",
    "postgres_agent_token",
    "redis_ballot_password",
    "redis_vote_password",
    "redis_worker_password",
    "redis_observer_password",
    "redis_monitor_password",
    "redis_replica_password",
    "redis_sentinel_password",
    "redis_proxy_password",
    "certificates_token",
)


@dataclass(frozen=True)
class Version:
    """One value of a secret: its name in the Swarm, since when it is there (RFC 3339), and how far it is."""

    name: str
    created: str
    stage: str = Stage.SETTLED


@dataclass(frozen=True)
class Pair:
    """Names of the versions that are good: the one that is sent, and the other one, if a version is."""

    sent: str
    other: str | None


def other_key(key: str) -> str:
    """Return the key under which the version is mounted that is good beside the one that is sent."""
    return f"{key}{OTHER}"


def pair(versions: Sequence[Version]) -> Pair:
    """Return which versions of one secret are good; of more than two that are there the newest count."""
    *before, newest = sorted(versions, key=lambda version: version.created)
    former = before[-1].name if before else None
    match newest.stage if former else Stage.SETTLED:
        case Stage.ACCEPTED:
            return Pair(former or "", newest.name)
        case Stage.SENT | Stage.KEPT:
            return Pair(newest.name, former)
        case _:
            return Pair(newest.name, None)


def rollouts(key: str) -> tuple[Stage, ...]:
    """Return the rollouts that a change of a secret takes."""
    return ROLLOUTS[:2] if key in KEEPING else ROLLOUTS


def end(key: str) -> Stage:
    """Return the stage of a secret whose change is over."""
    return Stage.KEPT if key in KEEPING else Stage.SETTLED


def underway(stages: Mapping[str, str]) -> list[str]:
    """Return the secrets whose change was begun and is not over."""
    return [key for key in ROTATABLE if stages.get(key, Stage.SETTLED) not in DONE]


def unfinished(stages: Mapping[str, str]) -> list[str]:
    """Say in one line which changes were begun and are not over, and what ends them."""
    names = underway(stages)
    what = ", ".join(f"{key} ({stages[key]})" for key in names)
    return [f"a change is under way of {what}: {ROTATE} {' '.join(names)}"] if names else []


def kept(found: Mapping[str, Sequence[Version]]) -> list[str]:
    """Return the secrets whose change is over, and whose value before it is still good."""
    return [
        key
        for key in KEEPING
        if key in found and found[key][-1].stage == Stage.KEPT and pair(found[key]).other
    ]


def doubled(found: Mapping[str, Sequence[Version]]) -> list[str]:
    """Return the secrets of which a service has to know two values: a change is under way, or one is kept."""
    begun = underway({key: versions[-1].stage for key, versions in found.items()})
    return [key for key in ROTATABLE if key in {*begun, *kept(found)}]


def ahead(key: str, stage: str, wanted: Stage) -> bool:
    """Whether a secret at one stage of its change, or before one, still has to come to another."""
    steps = [*DONE, *rollouts(key)]
    return wanted in steps and steps.index(Stage(stage)) < steps.index(wanted)


def rolled(key: str, stage: Stage, mounts: Mapping[str, Collection[str]]) -> list[str]:
    """Return the services that a stage replaces, of those that mount each key, by service.

    Who sends a secret changes with the stage in which that is another one, and who takes two with each.
    """
    return sorted(
        service
        for service, keys in mounts.items()
        if other_key(key) in keys or (key in keys and stage is Stage.SENT)
    )
