"""The notes of a release, and the tags that make none."""

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from deployment.configuration.layout import ROOT
from deployment.engine.images.published import version

SECTION = "## [1.2.3] - 2026-01-31\n\n### Added\n\n- A vote.\n\n## [1.2.2] - 2026-01-01\n\n- Older.\n"


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = spec_from_file_location("release", ROOT / ".ci/release.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notes_of_a_release_are_its_section_of_the_changelog(release: ModuleType) -> None:
    assert release.notes("v1.2.3", "1.2.3", SECTION) == "### Added\n\n- A vote.\n"
    assert release.notes("v1.2.2", "1.2.2", SECTION) == "- Older.\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "complaint"),
    [
        ("v1.2.4", SECTION, "The tag is v1.2.4, and the version in pyproject.toml is 1.2.3"),
        ("1.2.3", SECTION, "The tag is 1.2.3"),
        ("v1.2.3", "## [Unreleased]\n\n- A vote.\n", "has no section"),
        ("v1.2.3", "## [1.2.3] - 2026-01-31\n\n## [1.2.2] - 2026-01-01\n", "has no section"),
    ],
)
def test_a_tag_that_does_not_fit_makes_no_release(
    release: ModuleType, tag: str, changelog: str, complaint: str
) -> None:
    with pytest.raises(release.ReleaseError) as refused:
        release.notes(tag, "1.2.3", changelog)
    assert complaint in str(refused.value)


def test_a_refused_release_says_so_in_one_line() -> None:
    command = [sys.executable, str(ROOT / ".ci/release.py"), "v0.0.0-none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr == f"ERROR: The tag is v0.0.0-none, and the version in pyproject.toml is {version()}.\n"
    )


def test_the_version_is_one_that_a_tag_can_have() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(-dev)?", version())
