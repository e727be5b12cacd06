"""Results in a file, and what the documents say of them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from kit import documents
from swarm import failover, results, table
from swarm.faults.fault import Fault
from swarm.outcome import Costs, Limits, Outcome

FIRST = Outcome("redis killed", 2, 100, 0, 0, 1, 3.3, 0.5, 13.0, True, "2026-11-21", "a machine")
SECOND = Outcome("redis killed", 1, 50, 0, 0, 2, 4.1, 0.4, 12.0, True, "2026-11-22", "a machine")
OTHER = Outcome("node killed", 1, 1200, 0, 0, 0, 0.1, 0.5, 45.25, True, "2026-11-20", "a machine")
FAILED = Outcome("redis killed", 1, 10, 1, 0, 0, 9.0, 0.1, 1.0, False, "2026-11-21", "another")


def test_runs_of_one_fault_become_one_row() -> None:
    both = Outcome("redis killed", 3, 150, 0, 0, 3, 4.1, 0.5, 13.0, True, "2026-11-22", "a machine")
    assert results.merge([FIRST, OTHER, SECOND]) == [both, OTHER]


def test_one_run_that_failed_fails_the_row() -> None:
    assert [(row.passed, row.lost, row.unavailable_s) for row in results.merge([FIRST, FAILED])] == [
        (False, 1, 9.0)
    ]


def test_rows_of_two_sources_stay_apart() -> None:
    mended = replace(SECOND, source="new")
    assert results.merge([FAILED, mended, mended])[0] == FAILED
    assert [(row.source, row.runs, row.passed) for row in results.merge([FAILED, mended, mended])] == [
        ("", 1, False),
        ("new", 2, True),
    ]


def test_a_new_source_replaces_the_fault_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.save(path, [FAILED, OTHER])
    mended = replace(SECOND, source="new")
    results.save(path, [mended])
    assert results.load(path) == [mended, OTHER]
    results.save(path, [mended])
    assert [row.runs for row in results.load(path)] == [2, 1]


def test_a_row_from_before_sources_were_written_down(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    row = FIRST.as_row()
    del row["source"]
    path.write_text(json.dumps([row]))
    assert results.load(path) == [FIRST]


def test_a_file_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert results.load(path) == []
    results.save(path, [FIRST])
    results.save(path, [OTHER, SECOND])
    assert results.load(path) == results.merge([FIRST, SECOND, OTHER])


def test_a_run_as_a_row() -> None:
    row = results.outcome("x", Costs(10, 0, 0, 2, 3, 1.0, 2.0, 3.0), passed=True, machine="m", source="r")
    assert (row.runs, row.refused, row.passed, row.machine, row.source) == (1, 5, True, "m", "r")


def test_markdown() -> None:
    lines = table.markdown([OTHER, FAILED]).splitlines()
    assert lines[1:4] == [
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| node killed | 1 | 1,200 | 0 | 0 | 0 | 0.1 | 0.5 | 45.2 |",
        "| **redis killed** | 1 | 10 | 1 | 0 | 0 | 9.0 | 0.1 | 1.0 |",
    ]
    assert lines[-1] == (
        "In all 2 runs, 1,210 votes acknowledged, 1 lost, 0 doubled. "
        "Measured on a machine, 2026-11-20; another, 2026-11-21."
    )


def test_a_fault_may_stand_before_its_limits() -> None:
    limits = Limits(unavailable_s=10, stale_s=None, refused=100, refused_at_edge=20)
    fault = Fault(FIRST.fault, lambda _: None, limits, ci=True)
    row = table.markdown([FIRST], {FIRST.fault: fault}).splitlines()[2]
    assert row.startswith(f"| {FIRST.fault} † | 2 |")
    assert [cell.split(" / ")[1] for cell in row.strip(" |").split(" | ")[5:]] == ["120", "10", "any", "120"]


def test_days_are_named_from_the_first_to_the_last() -> None:
    assert table.markdown([FIRST, SECOND, OTHER]).endswith("Measured on a machine, 2026-11-20 to 2026-11-22.")


def test_sources_are_named_where_they_are_known() -> None:
    rows = [OTHER, replace(FIRST, source="abc"), replace(FAILED, source="def")]
    assert (
        table.markdown(rows)
        .splitlines()[-1]
        .endswith(
            "Measured on a machine, 2026-11-20 to 2026-11-21, source abc; another, 2026-11-21, source def."
        )
    )
    rows.append(replace(SECOND, source="def"))
    assert "2026-11-22, sources abc, def; another" in table.markdown(rows)


def test_only_what_is_between_the_markers_is_rewritten() -> None:
    text = f"before\n{table.MARKER}\nold\n{table.MARKER}\nafter\n"
    assert (
        documents.rewritten(text, "new", table.MARKER)
        == f"before\n{table.MARKER}\nnew\n{table.MARKER}\nafter\n"
    )


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        documents.rewritten("nothing here", "new", table.MARKER)


def test_the_sum_of_all_runs_is_one_sentence() -> None:
    assert table.proof([OTHER, FAILED]) == (
        "2 faults in 2 runs: 1,210 votes acknowledged, **1 lost, 0 counted twice**."
    )


def test_the_picture_has_a_bar_for_each_time_of_a_killed_primary() -> None:
    killed = replace(FIRST, fault="redis primary killed")
    picture = failover.drawing([OTHER, killed])
    assert "The Redis primary is killed (the worst of 2 runs)" in picture
    assert re.findall(r">([\d.]+)</text>$", picture, re.MULTILINE)[-3:] == ["3.3", "0.5", "13.0"]
    assert "PostgreSQL" not in picture


@pytest.mark.parametrize("path", [documents.README, table.WHOLE, table.PICTURE])
def test_the_pages_show_what_was_recorded(path: Path) -> None:
    assert table.pages()[path] == path.read_text()
