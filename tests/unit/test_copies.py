"""What is the same in several services: each builds alone, so it is a copy, to the byte."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from unit.packages import PACKAGES

PAGES = {"vote", "result"}
COPIES = {
    "environment.py": set(PACKAGES),
    "errors.py": set(PACKAGES),
    "logs.py": set(PACKAGES),
    "gunicorn_logs.py": PAGES,
    "lifelong.py": PAGES,
    "options.py": PAGES,
    "words.py": PAGES,
}
DIFFERENT_BY_NEED = {
    "__init__.py": "what the package is",
    "__main__.py": "what its program does",
    "settings.py": "its variables",
    "ballot.py": "as `vote` writes it, as the worker reads it",
    "configuration.py": "the files of another program",
    "database.py": "what is asked of it",
    "drain.py": "what must be finished: votes, or nothing",
    "error_pages.py": "its own words and layout",
    "gate.py": "what it lets in",
    "health.py": "what it needs to be ready",
    "history.py": "whose history it is",
    "origin.py": "what it asks of an origin",
    "pages.py": "its routes",
    "probe.py": "what is probed",
    "server.py": "the program that it starts",
    "supervisor.py": "the program that it keeps running",
}


def places() -> dict[str, dict[str, Path]]:
    """Return the modules by name, each with the packages that have it."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for package, folder in PACKAGES.items():
        for path in folder.glob("*.py"):
            found[path.name][package] = path
    return found


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_the_same_wherever_it_is(name: str) -> None:
    found = places()[name]
    assert set(found) == COPIES[name]
    assert len({path.read_bytes() for path in found.values()}) == 1


def test_one_name_stands_for_one_thing() -> None:
    shared = {name for name, found in places().items() if len(found) > 1}
    assert shared - COPIES.keys() == DIFFERENT_BY_NEED.keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_service_imports_another(package: str) -> None:
    known = {package, *sys.stdlib_module_names}
    for path in PACKAGES[package].glob("*.py"):
        assert not (imported(path) - known) & PACKAGES.keys(), path


def imported(path: Path) -> set[str]:
    """Return the top packages that a module imports; its own where it does not name one."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found
