"""What a machine has worked, by its own account."""

import os

import pytest

from bench import rest

TICKS = os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ("0 0 0 0 0 0 0 0 0 0", 0),
        (f"{TICKS} 0 {TICKS} 0 0 0 0 0 0 0", 2),  # user and system
        (f"0 {TICKS} 0 0 0 {TICKS} {TICKS} 0 0 0", 3),  # nice, and both kinds of interrupts
        (f"0 0 0 {TICKS} {TICKS} 0 0 {TICKS} 0 0", 0),  # idle, waiting for the disk, and stolen
        (f"{TICKS} 0 0 0 0 0 0 0 {TICKS} 0", 1),  # guests are within user
        (f"{TICKS} 0 0 0 0 0 0 0", 1),  # an older kernel
    ],
)
def test_idle_time_is_no_work(fields: str, seconds: float) -> None:
    assert rest.busy_seconds(f"cpu  {fields}\ncpu0 {fields}\n") == seconds
