"""What the page takes from npm is what the lock file says, or it is not taken."""

import json
import runpy
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[3] / "result" / "client"
FETCH = runpy.run_path(str(CLIENT / "fetch.py"))
# Of the word "package".
INTEGRITY = "sha512-baSbv6lplk3RxzbxKOYcpdxTiKsd8MTis+A+sH/42atj0u0v1arIbDTS0oWZfshbD05M2SlToEnxIPGgmtbw2g=="


def test_a_package_that_was_altered_is_refused() -> None:
    FETCH["require"](b"package", INTEGRITY, "https://registry.example/package.tgz")
    with pytest.raises(ValueError, match=r"package\.tgz is not what package-lock\.json says"):
        FETCH["require"](b"Package", INTEGRITY, "https://registry.example/package.tgz")


def test_the_lock_file_names_version_and_checksum() -> None:
    locked = json.loads((CLIENT / "package-lock.json").read_text())["packages"]
    assert {"version", "integrity"} <= locked[f"node_modules/{FETCH['PACKAGE']}"].keys()
