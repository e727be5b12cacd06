"""Run a command, and anew whenever a source file changes.

Usage: python -m local.reload FOLDER... -- COMMAND...

gunicorn's own way to reload would keep the old code: its configuration imports it before the workers do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

SUFFIXES = {".py", ".html", ".css", ".js", ".svg", ".toml", ".sql"}
LOOK_SECONDS = 0.3
# Nothing is lost with a process that is killed: what it acknowledged, or was still to store, is in Redis.
END_SECONDS = 1.0
# What ends sooner than this after its start has an error in its source.
START_SECONDS = 5.0

Times = Mapping[Path, int]


def times(folders: Iterable[Path]) -> Times:
    """Return when each source file below the folders was changed."""
    found = {}
    for path in (path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES):
        with suppress(FileNotFoundError):
            found[path] = path.stat().st_mtime_ns
    return found


def changed(before: Times, now: Times) -> list[Path]:
    """Return the files that are new, gone or other than they were."""
    return sorted(path for path in {*before, *now} if before.get(path) != now.get(path))


def run(folders: Sequence[Path], command: Sequence[str]) -> NoReturn:
    """Run the command until this process is told to end, or the command ends by itself.

    One that ends soon after its start waits for a change of its source.
    """
    seen, process, began, told = times(folders), _start(command), time.monotonic(), False
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            now = times(folders)
            if files := changed(seen, now):
                print(f"{', '.join(map(str, files))}: changed, so {command[0]} starts anew", flush=True)
                _end(process)
                seen, process, began, told = now, _start(command), time.monotonic(), False
            elif not told and (code := process.poll()) is not None:
                if time.monotonic() - began > START_SECONDS:
                    sys.exit(f"{command[0]} ended with {code}")  # Docker starts both anew
                print(f"{command[0]} ended with {code}; it starts anew when a file changes", flush=True)
                told = True
    finally:
        _end(process)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, start_new_session=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command with all that it started, soon."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    split = sys.argv.index("--")
    run([Path(folder) for folder in sys.argv[1:split]], sys.argv[split + 1 :])
