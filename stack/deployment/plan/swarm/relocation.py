"""A slot gets another machine: when it may, and what its data nodes leave behind."""

from collections.abc import Sequence

from deployment.configuration.layout import SLOT_LABELS, STACK
from deployment.errors import DeployError
from deployment.plan.cluster.rollout import View
from deployment.plan.cluster.switchover import FAR_BEHIND_BYTES
from deployment.plan.cluster.topology import KINDS, belonging, cluster_of
from deployment.plan.swarm import departure
from deployment.plan.swarm.nodes import Node

SAME = "Nothing was changed."
LATER = "Run this again when `python3 deploy.py status` says that the rest is well."
FORMER = "former"
# What a data node kept while it belonged to this machine before is older than what its peers have. Were it
# used, a node that has forgotten what it confirmed and promised since could decide an election.
# Cut short, it goes on from there, and what it set aside before stays until all is together.
SET_ASIDE = f"""\
set -e
cd /data
ls -A > /dev/null
found=$(ls -A | grep -vx -e {FORMER} -e {FORMER}.new || true)
[ "$found" ] || [ -d {FORMER}.new ] || exit 0
mkdir -p {FORMER}.new
for each in $found; do mv "$each" {FORMER}.new/; done
rm -rf {FORMER}
mv {FORMER}.new {FORMER}
echo $found"""


def label(slot: int) -> str:
    """Return the label of the node that carries a slot."""
    return SLOT_LABELS[slot - 1]


def carrier(nodes: Sequence[Node], slot: int, target: Node) -> Node | None:
    """Return the node that a slot is to leave, None where it is with nobody or there already.

    Raises DeployError where it is with several.
    """
    found = [node for node in nodes if slot in node.slots and node.id != target.id]
    if len(found) > 1 or (found and slot in target.slots):
        names = " and ".join(node.name for node in nodes if slot in node.slots)
        raise DeployError(
            f"Slot {slot} is on {names}: nobody knows where its data are. {SAME}",
            f"Take it from the wrong one: docker node update --label-rm {label(slot)} NODE",
        )
    return found[0] if found else None


def require_source(nodes: Sequence[Node], slot: int, source: Node | None, target: Node) -> None:
    """Raise DeployError where a slot is no more where it was when the command began."""
    now = carrier(nodes, slot, target)
    if (now and now.id) != (source and source.id):
        had = source.name if source else "nobody"
        raise DeployError(
            f"Slot {slot} was with {had} when this began, and is no more. {SAME}",
            "Does somebody else move it, too? Then run the same command again.",
        )


def require_move(view: View, slot: int, source: Node | None, target: Node) -> None:
    """Raise DeployError where a slot may not leave a machine that lives for another one."""
    require_place(target, [slot])
    if source and not source.ready:
        raise DeployError(
            f"{source.name}, which carries slot {slot}, is {source.state}. {SAME}",
            "If it comes back, wait for it. If it never does: "
            f"`python3 deploy.py nodes replace {source.name} {target.name}`.",
        )
    if source and (kept := hanging_on(view, [slot])):
        raise DeployError(
            f"{', '.join(kept)} keeps its data on {source.name} alone: they would stay behind. {SAME}",
            "Move another slot. Backups in an S3-compatible store hold no slot back: docs/backup.md.",
        )
    require_rest(view, belonging([slot]))


def hanging_on(view: View, slots: Sequence[int]) -> list[str]:
    """Name the services besides the data nodes whose data are on the node that carries these slots."""
    labels = {label(slot) for slot in slots}
    return [s.name for s in view.services if s.labels & labels and s.name not in belonging(slots)]


def taken_over(old: Node, new: Node) -> tuple[int, ...]:
    """Return the slots that a machine gets from one that is gone.

    Once that has no label left, they are those that the new one has: the command was cut short, and goes on.
    """
    return old.slots if old.labels else new.slots


def require_replacement(view: View, old: Node, new: Node) -> None:
    """Raise DeployError where a machine may not take the place of another one that is gone for good."""
    if old.id == new.id:
        raise DeployError(f"{old.name} cannot take its own place. {SAME}", "Name another node.")
    if old.ready:
        raise DeployError(
            f"{old.name} still runs. {SAME}",
            "Move what it carries: `python3 deploy.py nodes move SLOT NODE`. Or switch it off first.",
        )
    if not old.down:
        raise DeployError(
            f"{old.name} is {old.state}, not down: nobody knows whether it lives. {SAME}",
            "Wait until `python3 deploy.py nodes list` says that it is down, or ready again.",
        )
    if len(old.slots) > 1:
        raise DeployError(
            f"{old.name} carried the slots {', '.join(map(str, old.slots))}: no cluster has a majority, and "
            f"what only these had is lost with it. {SAME}",
            'See "The database" in docs/operations.md: only an operator can decide what is given up.',
        )
    slots = taken_over(old, new)
    require_place(new, slots)
    require_rest(view, belonging(slots))


def require_place(target: Node, slots: Sequence[int]) -> None:
    """Raise DeployError where a machine cannot take these slots."""
    if not target.usable:
        state = target.state if not target.ready else f"on {target.availability}"
        raise DeployError(
            f"{target.name} is {state}: it takes no containers. {SAME}",
            f"Bring it back (`python3 deploy.py nodes activate {target.name}`), or choose another node.",
        )
    if others := sorted({*target.slots} - {*slots}):
        both = ": with it two members of each cluster would be lost at once" if slots else ""
        raise DeployError(
            f"{target.name} carries slot {', '.join(map(str, others))} already{both}. {SAME}",
            "Choose a node without a slot; `python3 deploy.py nodes join` says how another machine joins.",
        )


def require_rest(view: View, own: Sequence[str]) -> None:
    """Raise DeployError unless both clusters are whole and near without these data nodes."""
    if lacking := rest_lacks(view, own):
        away = f" while {', '.join(own)} are away" if own else ""
        raise DeployError(f"{', '.join(lacking)}: the others must have every vote{away}. {SAME}", LATER)


def require_followers(view: View, own: Sequence[str]) -> None:
    """Raise DeployError if one of these data nodes is a primary, or as `require_rest` does."""
    require_rest(view, own)
    if departure.led(own, view.picture.primaries):
        raise DeployError(
            f"A primary came back to {', '.join(own)} meanwhile. They are where they were.",
            "Run the same command again: it moves away first.",
        )


def rest_lacks(view: View, own: Sequence[str]) -> list[str]:
    """Say what both clusters lack besides these data nodes."""
    if view.blind:
        return ["No observer answers here"]
    absent = sorted({*view.absent(), *view.out_of_reach()} - {*own})
    away = [f"{name} is away" for name in absent if cluster_of(name) or " " in name]
    return [*away, *_far(view, own)]


def _far(view: View, own: Sequence[str]) -> list[str]:
    """Name the followers that are far behind, or of which nobody says how far."""
    lags = {
        name: found.lag_bytes.get(name)
        for found in view.picture.clusters.values()
        for name in found.followers
        if name not in own
    }
    return [
        f"nobody says how far {name} is behind" if lag is None else f"{name} is {lag:,} bytes behind"
        for name, lag in lags.items()
        if lag is None or lag > FAR_BEHIND_BYTES
    ]


def left_behind(source: Node, slot: int) -> list[str]:
    """Say where the data are that a slot had."""
    volumes = " ".join(f"{STACK}_{kind}-{slot}" for kind in KINDS)
    return [
        f"What slot {slot} had stays on {source.name}, and nobody reads it again. "
        f"To delete it there: docker volume rm {volumes}"
    ]
