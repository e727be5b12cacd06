"""The bench measures real parts and writes down what it found."""

import json
import subprocess
import sys
from pathlib import Path

from deployment.configuration.layout import ROOT
from kit.images import reference

KEYS = ["name", "median", "min", "max", "unit", "against", "ratio", "target", "met"]
VOTING = 4


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the bench as a user does, each measurement once and as short as it can be."""
    command = (sys.executable, "deploy.py", "bench", *arguments, "--rounds", "1", "--seconds", "1")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_bench_prints_writes_and_draws_what_it_measured(tmp_path: Path) -> None:
    reference("vote")
    file = tmp_path / "bench.json"
    ran = bench("voting", "--json", str(file), "--plots", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    rows = json.loads(file.read_text())
    assert [list(row) for row in rows] == [KEYS] * VOTING
    for row in rows:
        assert 0 < row["min"] <= row["median"] <= row["max"]
        assert (row["ratio"] is None) == (not row["against"])
        assert row["ratio"] is None or row["ratio"] > 0
        assert row["name"].split()[0] in ran.stdout
    assert "<svg" in (tmp_path / "votes-offered.svg").read_text()


def test_a_part_that_does_not_exist_is_refused_before_anything_starts() -> None:
    ran = bench("voting", "nothing")
    assert ran.returncode == 2
    assert "there is no part 'nothing'" in ran.stderr
    assert "storing" in ran.stderr
