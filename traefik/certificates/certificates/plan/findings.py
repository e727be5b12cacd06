"""What is found before an order is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Findings:
    """What stands against an order (`wrong`), and what could not be seen from here (`doubtful`)."""

    wrong: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
