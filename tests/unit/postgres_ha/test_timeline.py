from pathlib import Path

import pytest

from postgres_ha.timeline import Branch, Kinship, Timelines, kinship, parse_history, read_timelines

ROOT = Branch(1, 0)


def line(*begins: int) -> Timelines:
    return tuple(Branch(number, begin) for number, begin in enumerate((0, *begins), start=1))


@pytest.mark.parametrize(
    ("case", "mine", "lsn", "leaders", "expected"),
    [
        ("the same line", line(100), 150, line(100), Kinship.SAME),
        ("leader branched off after my end", line(), 90, line(100), Kinship.SAME),
        ("leader branched off at my end", line(), 100, line(100), Kinship.SAME),
        ("I went on after the branch", line(), 101, line(100), Kinship.DIVERGED),
        ("two branches later", line(), 90, line(100, 200), Kinship.SAME),
        ("I went past the first of two", line(), 150, line(100, 200), Kinship.DIVERGED),
        ("my own branch, and on it", (*line(), Branch(3, 80)), 90, line(100), Kinship.DIVERGED),
        ("my own branch, never on it", (*line(), Branch(3, 80)), 80, line(100), Kinship.STRANGER),
        ("one number, two beginnings", line(98), 120, line(100), Kinship.STRANGER),
        ("collision further back", line(98, 150), 160, line(100, 150), Kinship.STRANGER),
        ("leader does not know my branch", line(100), 150, line(), Kinship.DIVERGED),
    ],
)
def test_kinship(case: str, mine: Timelines, lsn: int, leaders: Timelines, expected: Kinship) -> None:
    assert kinship(mine, lsn, leaders) is expected, case


def test_a_history_file_names_where_each_branch_began() -> None:
    text = "1\t0/3000148\tno recovery target specified\n\n2\t0/5000000\tno recovery target\n"
    expected = (ROOT, Branch(2, 0x3000148), Branch(3, 0x5000000))
    assert parse_history(3, text) == expected


def test_the_newest_history_counts(tmp_path: Path) -> None:
    assert read_timelines(tmp_path) == (ROOT,)
    (tmp_path / "00000002.history").write_text("1\t0/10\tx\n")
    (tmp_path / "0000000A.history").write_text("1\t0/20\tx\n")
    (tmp_path / "000000020000000000000001").touch()
    assert read_timelines(tmp_path) == (ROOT, Branch(10, 0x20))
