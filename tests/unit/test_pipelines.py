"""The workflows: pinned, with no more rights than they need, and with nothing of the project left out."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployment.configuration.layout import ROOT
from deployment.engine.images.images import COMPONENTS

WORKFLOWS = {path.stem: path.read_text() for path in sorted((ROOT / ".github/workflows").glob("*.yaml"))}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
IMAGE = re.compile(r"(?:docker|ghcr)\.io/[\w./-]+(?:[:@]\S*)?")
SECRET = re.compile(r"\bsecrets\b|\btoken\b|\(\s*github\s*\)|\bpull_request_target\b", re.IGNORECASE)
# What a job may do besides reading the source; whatever is not here may do nothing else.
RIGHTS = {
    ("images", "publish"): {"packages": "write", "id-token": "write"},
    ("images", "scan"): {"packages": "read"},
    ("images", "release"): {"contents": "write"},
}
OF_PUBLISHED = [("images", "scan"), ("scan", "published")]
SCANS = [("scan", "images"), *OF_PUBLISHED]
NO_RELEASE = "::notice::There is no release whose images could be scanned.\n"
COMMAND = "uv pip compile --universal --generate-hashes --output-file=requirements.lock requirements.in"


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(WORKFLOWS[name])
    return found


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in WORKFLOWS:
        for job, found in workflow(name)["jobs"].items():
            yield name, job, found


JOBS = [pytest.param(*job, id=f"{job[0]}-{job[1]}") for job in jobs()]


def step_that(name: str, job: str, runs: str) -> dict[str, Any]:
    """Return the step of a job that runs something."""
    (step,) = [step for step in workflow(name)["jobs"][job]["steps"] if runs in step.get("run", "")]
    return dict(step)


def run_step(
    step: dict[str, Any], folder: Path, programs: dict[str, str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does, with other programs in the place of some."""
    for program, does in programs.items():
        (folder / program).write_text(f"#!/bin/sh\n{does}\n")
        (folder / program).chmod(0o755)
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    seen = {**environment, "GITHUB_OUTPUT": str(folder / "output"), "PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=folder, env=seen, capture_output=True, text=True, check=False)


def tracked(pattern: str) -> list[str]:
    """Return files of the checkout, without what Git would leave out."""
    ignored = {".venv", ".checkov", "node_modules"}
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob(pattern)
        if not ignored & set(path.relative_to(ROOT).parts)
    )


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_its_commit_and_says_its_version(name: str) -> None:
    used = re.findall(r"uses: (.+)", WORKFLOWS[name])
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


def test_every_image_that_a_workflow_runs_is_pinned_by_its_digest() -> None:
    named = [image for text in WORKFLOWS.values() for image in IMAGE.findall(text)]
    loose = [image for image in named if not re.search(r"@sha256:[0-9a-f]{64}$", image)]
    assert (len(named), loose) == (5, [])


def test_what_builds_the_images_is_pinned_by_its_digest() -> None:
    """Without one, the action takes an image of its own choice, by a tag."""
    steps = workflow("images")["jobs"]["publish"]["steps"]
    (buildx,) = [step["with"] for step in steps if "setup-buildx-action" in step.get("uses", "")]
    assert re.fullmatch(r"image=docker\.io/moby/buildkit:v[0-9.]+@sha256:[0-9a-f]{64}", buildx["driver-opts"])


def test_one_action_has_one_version() -> None:
    used = {action for text in WORKFLOWS.values() for action in re.findall(r"uses: (.+)", text)}
    names = [action.partition("@")[0] for action in used]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_grants_nothing_by_itself(name: str) -> None:
    assert workflow(name)["permissions"] == {}


@pytest.mark.parametrize(("name", "job", "found"), JOBS)
def test_a_job_has_the_rights_that_it_needs_and_no_others(name: str, job: str, found: dict[str, Any]) -> None:
    checks_out = "actions/checkout" in str(found["steps"])
    reads = {"contents": "read"} if checks_out else {}
    assert found["permissions"] == {**reads, **RIGHTS.get((name, job), {})}
    assert found["timeout-minutes"] <= 120


@pytest.mark.parametrize(("name", "job", "found"), JOBS)
def test_no_checkout_leaves_its_token_behind(name: str, job: str, found: dict[str, Any]) -> None:
    checkouts = [step for step in found["steps"] if "actions/checkout@" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", ["scan", "test"])
def test_what_looks_at_foreign_code_gets_no_secret(name: str) -> None:
    assert not SECRET.search(str(workflow(name)))


@pytest.mark.parametrize(
    "says",
    [
        *("${{ secrets.X }}", "${{ secrets['X'] }}", "${{ toJSON(secrets) }}", "secrets: inherit"),
        *("${{ github.token }}", "${{ github['token'] }}", "${{ toJSON( github ) }}", "pull_request_target:"),
    ],
)
def test_each_way_to_a_secret_is_known(says: str) -> None:
    assert SECRET.search(says)


@pytest.mark.parametrize("name", ["images", "scan"])
def test_every_image_of_the_stack_is_built(name: str) -> None:
    job = workflow(name)["jobs"]["publish" if name == "images" else "images"]
    built = [(entry["name"], entry["context"]) for entry in job["strategy"]["matrix"]["include"]]
    assert built == [(component.name, component.folder) for component in COMPONENTS]


def test_an_image_is_published_under_the_name_that_images_takes_it_by() -> None:
    publish = workflow("images")["jobs"]["publish"]
    build = next(step["with"] for step in publish["steps"] if step.get("id") == "build")
    assert publish["env"]["IMAGE"] == "${{ needs.check.outputs.prefix }}/${{ matrix.name }}"
    assert build["tags"] == "${{ env.IMAGE }}:${{ env.VERSION }}"
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert build["provenance"] == "mode=max"
    assert "syft" in build["sbom"]


def test_each_image_is_signed_and_the_signature_verified_by_the_digest_that_was_built() -> None:
    steps = workflow("images")["jobs"]["publish"]["steps"]
    names = [step.get("id") or step.get("run", "").partition(" --")[0] for step in steps]
    build, sign, verify = (names.index(name) for name in ("build", "cosign sign", "cosign verify"))
    assert build < sign < verify
    for number in (sign, verify):
        first = steps[number]["run"].replace("\\\n", "").splitlines()[0]
        assert first.endswith(' "$IMAGE@$DIGEST"')
        assert steps[number]["env"]["DIGEST"] == "${{ steps.build.outputs.digest }}"
        assert not {"if", "continue-on-error"} & set(steps[number])
    assert "--certificate-identity" in steps[verify]["run"]
    assert "--certificate-oidc-issuer" in steps[verify]["run"]


def test_nothing_is_published_before_the_tag_was_checked() -> None:
    images = workflow("images")["jobs"]
    step = step_that("images", "check", ".ci/release.py")
    assert step["run"] == 'python3 .ci/release.py "$GITHUB_REF_NAME"'
    assert not [step for step in images["check"]["steps"] if {"if", "continue-on-error"} & set(step)]
    assert not {"if", "continue-on-error"} & set(images["check"])
    assert images["publish"]["needs"] == "check"


@pytest.mark.parametrize(
    ("gh", "code", "said"),
    [
        ("echo v1.2.2", 0, ""),
        ("echo v1.2.3-rc.1; echo v1x2x3", 0, ""),
        ("true", 0, ""),
        ("echo v1.2.3; echo v1.2.2", 1, "::error::v1.2.3 is released already: set another version.\n"),
        ("exit 4", 4, ""),
    ],
)
def test_a_release_is_made_once(gh: str, code: int, said: str, tmp_path: Path) -> None:
    """Nor is it where nobody can say whether it is there."""
    step = step_that("images", "check", "gh release list")
    done = run_step(step, tmp_path, {"gh": gh}, GITHUB_REF_NAME="v1.2.3")
    assert (done.returncode, done.stdout) == (code, said)


@pytest.mark.parametrize(
    ("curl", "code", "said", "output"),
    [
        ("printf 200", 0, "", 'images=["a:1@x"]\n'),
        ("printf 404; exit 22", 0, NO_RELEASE, ""),
        ("printf 500; exit 22", 1, "", ""),
        ("printf 000; exit 6", 1, "", ""),
    ],
)
def test_the_weekly_scan_is_of_the_newest_release_if_there_is_one(
    curl: str, code: int, said: str, output: str, tmp_path: Path
) -> None:
    step = step_that("scan", "digests", "releases/latest")
    (tmp_path / "output").touch()
    programs = {"curl": curl, "jq": """echo '["a:1@x"]'"""}
    done = run_step(
        step, tmp_path, programs, GITHUB_SERVER_URL="https://git.example", GITHUB_REPOSITORY="o/r"
    )
    assert (done.returncode, done.stdout) == (code, said)
    assert (tmp_path / "output").read_text() == output
    assert workflow("scan")["jobs"]["published"]["if"] == "needs.digests.outputs.images"


@pytest.mark.parametrize(("name", "job"), SCANS)
def test_a_scan_fails_at_a_serious_vulnerability_that_has_a_fix(name: str, job: str) -> None:
    (step,) = [step for step in workflow(name)["jobs"][job]["steps"] if "scan-action" in step.get("uses", "")]
    assert step["uses"].startswith("anchore/scan-action@")
    assert step["with"]["severity-cutoff"] == "high"
    assert step["with"]["only-fixed"] is True
    assert not {"fail-build", "config"} & set(step["with"])
    assert not {"if", "continue-on-error"} & set(step)


@pytest.mark.parametrize(("name", "job"), OF_PUBLISHED)
def test_what_was_published_is_scanned_by_its_digest_for_each_architecture(name: str, job: str) -> None:
    publish, scan = workflow("images")["jobs"]["publish"], workflow(name)["jobs"][job]
    build = next(step["with"] for step in publish["steps"] if step.get("id") == "build")
    assert scan["needs"] == "digests"
    assert scan["strategy"]["matrix"]["image"] == "${{ fromJSON(needs.digests.outputs.images) }}"
    assert ",".join(scan["strategy"]["matrix"]["platform"]) == build["platforms"]
    assert scan["env"] == {"GRYPE_PLATFORM": "${{ matrix.platform }}"}
    assert scan["steps"][-1]["with"]["image"] == "registry:${{ matrix.image }}"


def test_there_is_no_release_before_all_its_images_were_scanned() -> None:
    images = workflow("images")["jobs"]
    assert (images["digests"]["needs"], images["release"]["needs"]) == ("publish", "scan")
    assert not [job for job in images.values() if {"if", "continue-on-error"} & set(job)]


def test_what_was_published_is_scanned_every_week_and_a_build_at_once() -> None:
    scan = workflow("scan")
    triggers = scan[True]  # YAML reads `on` as a truth value
    (schedule,) = triggers["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    assert {"push", "pull_request"} <= set(triggers)
    assert "schedule" in scan["jobs"]["digests"]["if"]
    assert scan["jobs"]["published"]["needs"] == "digests"


@pytest.mark.parametrize("lock", tracked("requirements.lock"))
def test_every_lock_file_says_how_it_is_renewed(lock: str) -> None:
    head = (ROOT / lock).read_text().splitlines()[:2]
    # One installs two programs without what they say they depend on.
    assert head[1].replace(" --no-deps", "") == f"#    {COMMAND}"
    assert (ROOT / lock).with_suffix(".in").exists()


def test_what_is_pinned_gets_proposals_of_newer_versions() -> None:
    text = (ROOT / ".github/renovate.json5").read_text()
    managers = re.search(r"enabledManagers: (\[.*\])", text)
    pattern = re.search(r'"pip-compile": {managerFilePatterns: (\[.*\])}', text)
    assert managers
    assert pattern
    assert {"dockerfile", "github-actions", "npm", "pip-compile"} <= set(json.loads(managers[1]))
    matches = re.compile(json.loads(pattern[1])[0].strip("/"))
    assert [lock for lock in tracked("*.lock") if not matches.search(lock)] == []
    assert tracked("package-lock.json")
    assert 'ignorePaths: ["**/node_modules/**"]' in text  # its own choice leaves tests out
