"""All faults, in the order of the table."""

from swarm.faults import (
    cold_start,
    deploying,
    disk,
    freeze,
    kill,
    network,
    node,
    pairs,
    relocation,
    rolling,
    rotation,
    switchover,
    upkeep,
)
from swarm.faults.fault import Fault

GROUPS = (
    *(kill, freeze, node, network, cold_start, disk, rolling, deploying, switchover, relocation),
    *(upkeep, rotation, pairs),
)
FAULTS: list[Fault] = [fault for group in GROUPS for fault in group.FAULTS]
