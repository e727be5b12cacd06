"""The kit is for every suite, and no suite knows of another."""

import ast

import pytest

from deployment.layout import ROOT

SUITES = {"swarm", "browser", "bench", "integration"}


def imported(folder: str) -> set[str]:
    """Return the packages that the modules of a folder import."""
    nodes = [
        node
        for file in (ROOT / "tests" / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
    ]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("folder", ["kit", *sorted(SUITES)])
def test_no_suite_is_imported_by_another_or_by_the_kit(folder: str) -> None:
    assert imported(folder) & (SUITES - {folder}) == set()
