"""Faults of one kind as one line of the table."""

from dataclasses import replace

import pytest

from swarm.catalogue import FAULTS
from swarm.families import FAMILIES, family, summary
from swarm.outcome import Outcome

ROW = Outcome("vote frozen 1 s", 2, 100, 0, 0, 1, 3.3, 0.5, 13.0, True, "2026-11-21", "a machine", "new")


def test_each_fault_has_a_family_and_each_family_a_fault() -> None:
    assert {family(fault.name) for fault in FAULTS} == set(FAMILIES)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("redis primary killed", "Redis primary killed"),
        ("repmgrd killed", "any other container or process killed"),
        ("both primaries killed at once", "both primaries killed or frozen at once"),
        ("Swarm leader killed and back", "a node switched off and on"),
        ("redis primary frozen 2 s", "Redis primary frozen for 1 to 60 s"),
        (
            "redis primary frozen 2 s while no worker runs",
            "Redis primary frozen or cut off while no worker runs",
        ),
        ("cold start, node of the redis primary last", "everything killed, and started in any order"),
        ("something new", "something new"),
    ],
)
def test_family(fault: str, expected: str) -> None:
    assert family(fault) == expected


def test_a_family_is_one_row_in_the_order_of_families() -> None:
    other = replace(ROW, fault="worker frozen 60 s", acknowledged=50, unavailable_s=4.5)
    alone = replace(ROW, fault="redis primary killed")
    first, second = summary([ROW, other, alone])
    assert first == replace(alone, fault="Redis primary killed")
    assert (second.fault, second.runs, second.acknowledged, second.unavailable_s) == (
        "any other container or process frozen for 1 to 60 s (2 faults)",
        4,
        150,
        4.5,
    )


def test_a_fault_that_failed_is_named() -> None:
    failed = replace(ROW, fault="vote frozen 60 s", passed=False)
    (row,) = summary([ROW, failed])
    assert not row.passed
    assert row.fault.endswith("(2 faults; beyond its limits: vote frozen 60 s)")
