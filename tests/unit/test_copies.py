"""What is the same in several services: each builds alone, so it is a copy, to the byte."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.packages import OBSERVER, PACKAGES, ROOT

PAGES = {"vote", "result"}
DATABASE = {"postgres_ha", "pgpool_leader"}
EXPORTERS = {"vote", "result", "worker", "pgpool_leader"}
CONTAINERS = EXPORTERS | {"redis_gate", "postgres_ha"}
COPIES = {
    "environment.py": set(PACKAGES),
    "errors.py": set(PACKAGES),
    "logs.py": set(PACKAGES),
    "tls.py": DATABASE,
    "agents.py": DATABASE,
    "login.py": DATABASE | {"result", "worker", "certificates"},
    "addresses.py": {"result", "worker", "certificates", "prober"},
    "redis_tls.py": {"vote", "worker", "redis_gate"},
    "container.py": CONTAINERS,
    "cgroup.py": CONTAINERS,
    "cgroup_metrics.py": EXPORTERS,
    "exporter.py": EXPORTERS,
    "gunicorn_logs.py": PAGES,
    "alone.py": PAGES,
    "lifelong.py": PAGES | {"certificates"},
    "signals.py": {"worker", "certificates"},
    "watchdog.py": {"worker", "certificates"},
    "options.py": PAGES,
    "words.py": PAGES,
    "health.py": PAGES,
    "prefix.py": PAGES,
    "error_pages.py": PAGES,
}
CHECKED = (
    *("vote", "result", "worker", "redis-sentinel/haproxy", "postgres-ha/pgpool"),
    *("traefik/certificates", "traefik/docker-proxy", "postgres-ha", "redis-sentinel"),
)
"""Folders of the images that Docker asks in the same way whether they are healthy."""
DIFFERENT_BY_NEED = {
    "__init__.py": "what the package is",
    "__main__.py": "what its program does",
    "probe.py": "of the database, as `pgpool_leader` tries it; of the votes, as `vote` takes a test vote",
    "poll.py": "what the queue says, the database keeps, an operator changes, viewers see",
    "settings.py": "its variables",
    "account.py": "the numbers that `vote` gives, and those that the worker has stored",
    "ballot.py": "as `vote` writes it, as the worker reads it",
    "database.py": "what is asked of it",
    "metrics.py": "what is counted and measured",
    "drain.py": "what must be finished: votes, or nothing",
    "supervisor.py": "the program that it keeps running",
    "views.py": "its routes",
}


def places() -> dict[str, dict[str, Path]]:
    """Return the modules by name, each with the packages that have it."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for package, folder in {**PACKAGES, "observer": OBSERVER}.items():
        for path in folder.glob("*.py"):
            found[path.name][package] = path
    return found


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_the_same_wherever_it_is(name: str) -> None:
    found = places()[name]
    assert set(found) == COPIES[name]
    assert len({path.read_bytes() for path in found.values()}) == 1


def test_every_image_that_has_a_health_check_script_has_the_same() -> None:
    found = {path.parent.relative_to(ROOT).as_posix(): path for path in ROOT.glob("[!.]*/**/health-check")}
    assert set(found) == set(CHECKED)
    assert len({path.read_bytes() for path in found.values()}) == 1


def test_one_name_stands_for_one_thing() -> None:
    shared = {name for name, found in places().items() if len(found) > 1}
    assert shared - COPIES.keys() == DIFFERENT_BY_NEED.keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_service_imports_another(package: str) -> None:
    found = {name.partition(".")[0] for name in imported(PACKAGES[package])}
    assert not found & (PACKAGES.keys() | {"observer"}) - {package}


def test_the_observer_shares_with_the_worker_what_it_says() -> None:
    said = re.findall(r"`(\w+)`", (OBSERVER / "__init__.py").read_text(encoding="utf-8"))
    found = [name.split(".") for name in imported(OBSERVER)]
    assert {module for package, module, *_ in found if package == "worker"} == set(said)
    assert not {package for package, *_ in found} & PACKAGES.keys() - {"worker"}


def test_every_error_of_a_service_is_a_service_error() -> None:
    for folder in (*PACKAGES.values(), OBSERVER):
        errors = {name: bases for name, bases in classes(folder) if name.endswith("Error")}
        assert errors.pop("ServiceError", ["Exception"]) == ["Exception"]
        for name, bases in errors.items():
            assert [base in {"ServiceError", *errors} for base in bases] == [True], name


def classes(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the classes of a package, each with its bases."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name, [ast.unparse(base) for base in node.bases]


def imported(folder: Path) -> set[str]:
    """Return what the modules of a package import, by its whole name."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {f"{alias.name}." for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_a_time_to_close_is_read_alike_before_it_is_deployed_and_by_the_worker() -> None:
    copy = ROOT / "stack" / "deployment" / "configuration" / "closing.py"
    assert copy.read_bytes() == (PACKAGES["worker"] / "closing.py").read_bytes()
