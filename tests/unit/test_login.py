"""Whoever knows two passwords gets in, also at the moment at which the server goes over to the other one."""

from collections.abc import Sequence

import psycopg
import pytest

from worker.login import login


class Server:
    """Takes one password; after some tries another one."""

    def __init__(self, old: str, new: str, tries: int) -> None:
        self._passwords = old, new
        self._tries = tries
        self.tried = list[str]()

    def connect(self, password: str) -> str:
        self.tried.append(password)
        if password != self._passwords[len(self.tried) > self._tries]:
            raise psycopg.OperationalError("password authentication failed")
        return password


@pytest.mark.parametrize(
    ("passwords", "tries", "tried"),
    [
        (("old",), 9, ["old"]),
        (("old", "new"), 9, ["old"]),
        (("old", "new"), 0, ["old", "new"]),
        (("new", "old"), 9, ["new", "old"]),
        (("new", "old"), 0, ["new"]),
        # The server changes between two tries.
        (("new", "old"), 1, ["new", "old", "new"]),
    ],
)
def test_who_knows_both_gets_in(passwords: Sequence[str], tries: int, tried: list[str]) -> None:
    server = Server("old", "new", tries)
    assert login(passwords, server.connect) == tried[-1]
    assert server.tried == tried


@pytest.mark.parametrize("passwords", [("a",), ("a", "b")])
def test_who_knows_no_good_one_does_not_get_in(passwords: Sequence[str]) -> None:
    with pytest.raises(psycopg.OperationalError):
        login(passwords, Server("old", "new", 1).connect)
