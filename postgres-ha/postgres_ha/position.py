"""How far a node's history reaches, in a form that can be compared between nodes."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Position:
    """The epoch of the last primary whose row is here, then the WAL position in bytes."""

    epoch: int
    lsn: int

    def __str__(self) -> str:
        return f"epoch {self.epoch} at {format_lsn(self.lsn)}"


def parse_lsn(text: str) -> int:
    """Return the byte position of a WAL address such as `0/3000148`; raise ValueError."""
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def format_lsn(lsn: int) -> str:
    """Return the WAL address of a byte position."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
