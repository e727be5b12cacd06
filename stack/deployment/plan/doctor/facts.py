"""What a node says of itself, and what was measured between nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Disk:
    """The file system that the engine keeps its data on: images, volumes, and the Swarm's own log."""

    size: int  # bytes
    free: int
    files: int = 0
    files_free: int = 0


@dataclass(frozen=True)
class Facts:
    """One node, as a container in the network of its host sees it; bytes, seconds."""

    kernel: str
    memory: int
    disk: Disk
    open_files: int | None  # that a process of a container may have; None where none was asked
    userns: bool | None  # whether root in a container is another user on the host; None where nobody says
    ip_vs: bool
    esp: bool | None  # None where nobody could see it
    routes: str  # the kernel's table
    mtu: Mapping[str, int] = field(default_factory=dict)  # by interface
    closed: tuple[str, ...] = ()  # what it could not connect to, as address:port


@dataclass(frozen=True)
class Asked:
    """What became of asking one node: its facts, or why there are none; by how much its clock is off."""

    node: str
    facts: Facts | None = None
    problem: str = ""
    ahead: float | None = None  # seconds that its clock is before this one's; negative if behind
    lag: float = 0.0  # seconds that the answer may have taken: by as much `ahead` may be too low
