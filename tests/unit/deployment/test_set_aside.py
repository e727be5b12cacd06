"""What is set aside on a machine stays whole, however often that was cut short."""

import os
import subprocess
from pathlib import Path

import pytest

from deployment.plan.swarm.relocation import FORMER, SET_ASIDE

HELD = ("appendonlydir", "dump.rdb", ".hidden")
# Ends the program when a command is to be carried out for the n-th time.
KILLER = """\
#!/bin/sh
echo >> {count}
[ "$(wc -l < {count})" -lt {number} ] || {{ kill -9 $PPID; exit 1; }}
exec {command} "$@"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    (made / FORMER).mkdir()
    (made / FORMER / "of-before").touch()
    for name in HELD:
        (made / name).write_text(name)
    return made


def set_aside(data: Path, *, killed_at: tuple[str, int] | None = None) -> subprocess.CompletedProcess[str]:
    tools = data.parent / "tools"
    tools.mkdir(exist_ok=True)
    for tool in tools.iterdir():
        tool.unlink()
    if killed_at:
        command, number = killed_at
        real = next(path for path in (Path("/usr/bin", command), Path("/bin", command)) if path.exists())
        count = data.parent / "count"
        count.unlink(missing_ok=True)
        (tools / command).write_text(KILLER.format(count=count, number=number, command=real))
        (tools / command).chmod(0o755)
    script = SET_ASIDE.replace("cd /data", f"cd {data}")
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)


def kept(data: Path) -> dict[str, list[str]]:
    return {each.name: sorted(inner.name for inner in each.iterdir()) for each in data.iterdir()}


def test_what_was_set_aside_before_gives_way_to_what_is_there_now(data: Path) -> None:
    assert sorted(set_aside(data).stdout.split()) == sorted(HELD)
    assert kept(data) == {FORMER: sorted(HELD)}
    assert (set_aside(data).returncode, kept(data)) == (0, {FORMER: sorted(HELD)})


@pytest.mark.parametrize("moment", [("mv", 1), ("mv", 2), ("mv", 3), ("rm", 1), ("mv", 4)])
def test_cut_short_it_goes_on_and_nothing_of_it_is_deleted(data: Path, moment: tuple[str, int]) -> None:
    assert set_aside(data, killed_at=moment).returncode != 0
    assert set_aside(data).returncode == 0
    assert kept(data) == {FORMER: sorted(HELD)}


def test_where_nothing_was_nothing_is_made(tmp_path: Path) -> None:
    assert set_aside(tmp_path / "data", killed_at=None).returncode != 0, "it is not there"
    (tmp_path / "data").mkdir()
    assert set_aside(tmp_path / "data").returncode == 0
    assert kept(tmp_path / "data") == {}


def test_a_place_that_cannot_be_read_is_not_called_empty(data: Path) -> None:
    assert set_aside(data, killed_at=("ls", 1)).returncode != 0
