"""Each alert fires when it has to and is silent when not, by Prometheus' own tool."""

import subprocess
from pathlib import Path

import pytest

from deployment.configuration.layout import ROOT
from kit.images import built

RULES = ROOT / "stack" / "monitoring" / "prometheus" / "rules"
CASES = Path(__file__).parent / "rules"


@pytest.fixture(scope="module")
def image() -> str:
    return built("prometheus")


def promtool(image: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    folders = ("--volume", f"{RULES}:/rules:ro", "--volume", f"{CASES}:/cases:ro")
    command = ("docker", "run", "--rm", "--network", "none", *folders, image, "promtool", *arguments)
    return subprocess.run(command, check=False, capture_output=True, text=True)


def said(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.stdout}{done.stderr}"


def test_the_rules_are_valid_and_no_two_are_the_same_alert(image: str) -> None:
    files = [f"/rules/{path.name}" for path in sorted(RULES.glob("*.yaml"))]
    checked = promtool(image, "check", "rules", "--lint=all", "--lint-fatal", *files)
    assert checked.returncode == 0, said(checked)


@pytest.mark.parametrize("cases", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_alert_fires_and_is_silent_as_the_cases_say(image: str, cases: Path) -> None:
    tested = promtool(image, "test", "rules", f"/cases/{cases.name}")
    assert tested.returncode == 0, said(tested)
