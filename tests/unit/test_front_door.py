"""deploy.py itself: what it makes is for every user of the machine, whatever the umask and the locale."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = '#!/bin/sh\numask >> "$RECORD"\nprintf %s "$PYTHONUTF8" > "$RECORD.utf8"\n'


def test_a_private_umask_and_another_locale_change_nothing(tmp_path: Path) -> None:
    shutil.copy(ROOT / "deploy.py", tmp_path)
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "requirements.lock").write_text("")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "pip"):
        (tmp_path / ".venv" / "bin" / name).write_text(PYTHON)
        (tmp_path / ".venv" / "bin" / name).chmod(0o755)
    record = tmp_path / "record"
    subprocess.run(
        [sys.executable, tmp_path / "deploy.py", "status"],
        env={**os.environ, "RECORD": str(record), "LC_ALL": "en_US.ISO-8859-1"},
        umask=0o077,
        check=True,
        capture_output=True,
    )
    # pip, what compiles the packages, and then the program itself.
    assert record.read_text().split() == ["0022", "0022", "0022"]
    assert (tmp_path / ".venv" / "stack.installed").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "record.utf8").read_text() == "1"
