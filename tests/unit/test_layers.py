"""The architecture is what the folders show: who imports whom."""

import ast
import sys
from pathlib import Path

import pytest

from deployment.configuration.layout import ROOT

SUITES = {"swarm", "browser", "bench", "integration"}


def imported_modules(folder: Path) -> set[str]:
    """Return all that the modules of a folder import, by full name."""
    nodes = [node for file in folder.rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [
        f"{node.module or '.'}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return set(names)


@pytest.mark.parametrize("folder", ["kit", *sorted(SUITES)])
def test_no_suite_is_imported_by_another_or_by_the_kit(folder: str) -> None:
    packages = {name.partition(".")[0] for name in imported_modules(ROOT / "tests" / folder)}
    assert packages & (SUITES - {folder}) == set()


def test_the_seed_runs_wherever_python_does() -> None:
    packages = {name.partition(".")[0] for name in imported_modules(ROOT / "stack" / "seed")}
    assert packages - sys.stdlib_module_names == {"seed"}


STOREYS = ("cli", "operations", "engine", "plan", "configuration")
"""Of the deploy tool, the uppermost first: imports only go down."""


@pytest.mark.parametrize("storey", STOREYS)
def test_the_deploy_tool_imports_only_down_and_only_one_storey_knows_docker(storey: str) -> None:
    above = STOREYS[: STOREYS.index(storey)]
    modules = imported_modules(ROOT / "stack" / "deployment" / storey)
    assert not [m for m in modules if m.startswith(tuple(f"deployment.{name}" for name in above))]
    assert storey == "engine" or not [m for m in modules if m.startswith("docker")]


ASKED = {"release.source", "status"}
"""What the steps, too, ask: for the release of the checkout, and for the state of the stack."""


def test_of_the_operations_the_runner_knows_no_step_and_the_steps_know_no_verb() -> None:
    folder = ROOT / "stack" / "deployment" / "operations"
    files = [file.relative_to(folder).with_suffix("") for file in folder.rglob("*.py")]
    verbs = {".".join(file.parts) for file in files if file.parts[0] not in {"runner", "steps", "__init__"}}
    runner, steps = (_of(verbs, imported_modules(folder / name)) for name in ("runner", "steps"))
    assert not [m for m in imported_modules(folder / "runner") if m.startswith("deployment.operations.steps")]
    assert not runner
    assert steps <= ASKED


def _of(verbs: set[str], modules: set[str]) -> set[str]:
    """Return which of the verbs are among modules, or have something among them."""
    return {v for v in verbs if any(f"{m}.".startswith(f"deployment.operations.{v}.") for m in modules)}


BELOW: dict[str, set[str]] = {
    "plan": set(),
    "outside": {"plan"},
    "state": {"plan"},
    "authority": {"plan", "outside", "state"},
}
"""Of the program that gets certificates: what each of its storeys may import."""
COPIED = {"errors", "addresses", "watchdog", "login"}
"""What every storey but the lowest may import of the top level: copies that know of nothing."""


@pytest.mark.parametrize("storey", BELOW)
def test_the_certificates_program_decides_without_doing_and_stores_without_asking(storey: str) -> None:
    modules = imported_modules(ROOT / "traefik" / "certificates" / "certificates" / storey)
    ours = {module.split(".")[1] for module in modules if module.startswith("certificates.")}
    assert ours <= BELOW[storey] | {storey} | (COPIED if storey != "plan" else set())
