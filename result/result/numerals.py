"""Numbers as each language writes them."""

from __future__ import annotations

from result.scores import rounded
from result.words import Words


def count_of(number: int, words: Words) -> str:
    """Return a whole number as the language writes it."""
    return f"{number:,}".replace(",", words["thousands"])


def percent_of(percent: float, words: Words) -> str:
    """Return a share of a hundred as the language writes it, with one decimal."""
    return words["percent"].format(number=f"{rounded(percent):.1f}".replace(".", words["decimal"]))
