from __future__ import annotations

from pathlib import Path

import pytest

from kit.exposition import told
from vote.cgroup import Usage, read
from vote.cgroup_metrics import families

V2 = {
    "memory.current": "5000\n",
    "memory.stat": "anon 3000\ninactive_file 1500\n",
    "memory.max": "9000\n",
    "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\n",
}
V1 = {
    "memory/memory.usage_in_bytes": "5000\n",
    "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 1500\n",
    "memory/memory.limit_in_bytes": "9000\n",
    "cpuacct/cpuacct.usage": "2500000000\n",
}


@pytest.mark.parametrize(
    ("files", "usage"),
    [
        (V2, Usage(3500, 9000, 2.5)),
        (V1, Usage(3500, 9000, 2.5)),
        (V2 | {"memory.max": "max\n"}, Usage(3500, None, 2.5)),
        (V1 | {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, Usage(3500, None, 2.5)),
        ({"cpu.stat": V2["cpu.stat"]}, Usage(None, None, 2.5)),
        ({"cpu.stat": "nr_periods 0\n", "cpuacct/cpuacct.usage": "1000000000\n"}, Usage(None, None, 1.0)),
        (V2 | {"memory.current": "many\n", "memory.stat": "\n"}, Usage(None, 9000, 2.5)),
        ({}, Usage(None, None, None)),
    ],
)
def test_what_the_kernel_says_is_read(files: dict[str, str], usage: Usage, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read(tmp_path) == usage


@pytest.mark.parametrize(
    ("usage", "lines"),
    [
        (
            Usage(3500, 9000, 2.5),
            [
                "vote_app_cgroup_memory_bytes 3500.0",
                "vote_app_cgroup_memory_limit_bytes 9000.0",
                "vote_app_cgroup_cpu_seconds_total 2.5",
            ],
        ),
        (Usage(0, None, 0.0), ["vote_app_cgroup_memory_bytes 0.0", "vote_app_cgroup_cpu_seconds_total 0.0"]),
        (Usage(None, None, None), []),
    ],
)
def test_what_nobody_says_is_no_metric(usage: Usage, lines: list[str]) -> None:
    assert told(families(usage)) == lines
