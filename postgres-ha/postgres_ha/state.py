"""What a node says of itself: the answer to `GET /state`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from postgres_ha.position import Position, format_lsn, parse_lsn
from postgres_ha.timeline import Branch, Timelines


class Role(Enum):
    """What the local PostgreSQL server is at this moment."""

    PRIMARY = "primary"
    STANDBY = "standby"
    NONE = "none"


class Data(Enum):
    """What the node's volume holds; broken is what must not be started, as after half a rewind."""

    EMPTY = "empty"
    USABLE = "usable"
    BROKEN = "broken"


@dataclass(frozen=True)
class NodeState:
    """One node at one moment.

    `follows` is the node that the standby was told to stream from, `upstream` the one that it
    does stream from. `settled` means that all WAL held here is replayed. `promised` is the
    highest term that this node granted, `office` the last term for which it was promoted with
    the data it has now, `epochs` the latest of those whose row is here. `forgot` means that what it
    granted cannot be read any more, `damaged_pages` how often a page's checksum was found wrong.
    `lag_bytes` is what each of the `standbys` does not have on its disk yet. `established` means that
    this primary has given the accounts the passwords that it knows.
    """

    node: str
    role: Role = Role.NONE
    data: Data = Data.EMPTY
    open: bool = False
    fenced: bool = True
    epoch: int = 0
    epochs: tuple[int, ...] = ()
    office: int = 0
    lsn: int = 0
    promised: int = 0
    forgot: bool = False
    damaged_pages: int = 0
    established: bool = False
    settled: bool = False
    follows: str | None = None
    upstream: str | None = None
    standbys: tuple[str, ...] = ()
    synchronous: bool = False
    lag_bytes: Mapping[str, int | None] = field(default_factory=dict)
    timelines: Timelines = ()
    system: str | None = None
    leader: str | None = None
    phase: str = ""

    @property
    def position(self) -> Position:
        """The node's place in the order in which candidates are preferred."""
        return Position(self.epoch, self.lsn)

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return asdict(self) | {
            "role": self.role.value,
            "data": self.data.value,
            "lsn": format_lsn(self.lsn),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "NodeState":
        """Rebuild a peer's state; raise KeyError, TypeError or ValueError if it is malformed."""
        converted = {
            "role": Role(fields["role"]),
            "data": Data(fields["data"]),
            "lsn": parse_lsn(fields["lsn"]),
            "standbys": tuple(fields["standbys"]),
            "epochs": tuple(fields["epochs"]),
            "timelines": tuple(Branch(*branch) for branch in fields["timelines"]),
        }
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields}
        return cls(**(known | converted))
