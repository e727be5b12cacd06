from __future__ import annotations

import pytest

from vote.primary import Identity, NotAcceptingError, identify, next_address

PRIMARY = (
    "# Server\r\nrun_id:r1\r\n# Replication\r\nrole:master\r\nconnected_slaves:2\r\nmaster_replid:m1\r\n"
)


def test_a_primary_with_replicas_is_identified() -> None:
    assert identify(PRIMARY) == Identity("r1", "m1")


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (PRIMARY.replace("role:master", "role:slave"), "role is slave"),
        (PRIMARY.replace("connected_slaves:2", "connected_slaves:0"), "no replica"),
        ("", "role is None"),
    ],
)
def test_nothing_else_may_be_given_a_vote(info: str, why: str) -> None:
    with pytest.raises(NotAcceptingError, match=why):
        identify(info)


@pytest.mark.parametrize(
    ("role", "replicas", "confirmations", "accepted"),
    [
        ("master", 2, 1, True),
        ("master", 1, 1, True),
        ("master", 0, 1, False),
        ("master", 0, 0, True),
        ("master", 1, 0, True),
        ("slave", 0, 0, False),
        ("slave", 1, 1, False),
    ],
)
def test_a_primary_needs_as_many_replicas_as_confirm(
    role: str, replicas: int, confirmations: int, *, accepted: bool
) -> None:
    info = PRIMARY.replace("master\r", f"{role}\r").replace("slaves:2", f"slaves:{replicas}")
    if accepted:
        assert identify(info, confirmations) == Identity("r1", "m1")
        return
    with pytest.raises(NotAcceptingError):
        identify(info, confirmations)


@pytest.mark.parametrize(
    ("addresses", "failed", "chosen"),
    [
        (["b", "a"], None, "a"),
        (["a", "b"], "a", "b"),
        (["a", "b"], "b", "a"),
        (["a", "c"], "b", "c"),
        (["a"], "a", "a"),
        (["a", "a"], "a", "a"),
        (["a", "b", "c"], "c", "a"),
    ],
)
def test_after_a_failure_comes_another_address(addresses: list[str], failed: str | None, chosen: str) -> None:
    assert next_address(addresses, failed) == chosen


def test_no_address_is_an_ordinary_failure() -> None:
    with pytest.raises(NotAcceptingError):
        next_address([], None)
