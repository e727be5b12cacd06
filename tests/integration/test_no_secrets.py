"""Gitleaks, as Debian has it, finds no secret in the repository."""

import os
import subprocess
from pathlib import Path

import pytest

from deployment.configuration.layout import ROOT
from kit.images import built

# The form of a key that would open an account; this one opens none.
KEY = "AKIA" + "Z7QX3M5LKJ2WVTR6"


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def scan(checkout: Path) -> subprocess.CompletedProcess[str]:
    """Look for secrets in all that was ever committed."""
    command = [
        *("docker", "run", "--rm", "--network", "none", "--user", f"{os.getuid()}:{os.getgid()}"),
        *("--volume", f"{checkout}:/repo:ro", "--volume", f"{ROOT / '.gitleaks.toml'}:/gitleaks.toml:ro"),
        *(built("gitleaks"), "gitleaks", "detect", "--source", "/repo", "--config", "/gitleaks.toml"),
        *("--redact", "--verbose", "--no-banner"),
    ]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_repository_holds_no_secret_and_never_did(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no Git checkout: there is no history to read")
    git("clone", "--quiet", str(ROOT), str(tmp_path / "clone"))
    found = scan(tmp_path / "clone")
    assert found.returncode == 0, found.stdout
    assert "no leaks found" in found.stderr


def test_a_secret_is_found_after_it_was_taken_out_again(tmp_path: Path) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-C", str(tmp_path))
    git("init", "--quiet", str(tmp_path))
    for text in (f"key = '{KEY}'\n", "key = ''\n"):
        (tmp_path / "settings.py").write_text(text)
        git(*who, "add", ".")
        git(*who, "commit", "--quiet", "--message", "Set the key")
    found = scan(tmp_path)
    assert found.returncode == 1
    assert "aws-access-token" in found.stdout
    assert KEY not in found.stdout
