"""Logging in to the database while a password is changed: of the two that are known then, one is good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg

T = TypeVar("T")


def login(passwords: Sequence[str], connect: Callable[[str], T]) -> T:
    """Connect with the first password, or with the next where that fails; raise psycopg.OperationalError.

    Of two the first is tried once more: the server may have gone over to it while the other was tried.
    """
    *before, last = passwords if len(passwords) == 1 else (*passwords, passwords[0])
    for password in before:
        try:
            return connect(password)
        except psycopg.OperationalError:
            continue
    return connect(last)
