"""What becomes of the process that runs Redis, by how Redis ends: a shell stands in for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from redis_gate import supervisor


def start(folder: Path, redis: str) -> subprocess.Popen[str]:
    """Start the supervisor with this shell program for Redis, and a gate that tells how it is called."""
    server, gate = folder / "redis-server", folder / "redis_gate" / "__main__.py"
    server.write_text(f"#!/bin/sh\n{redis}\n")
    server.chmod(0o755)
    gate.parent.mkdir()
    gate.write_text("import sys; print('gate', *sys.argv[1:], flush=True)")
    return subprocess.Popen(
        (sys.executable, "-I", "-S", supervisor.__file__, "redis.conf"),
        cwd=folder,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("redis", "code", "said"),
    [
        ("exit 0", 0, ""),
        ("exit 3", 3, ""),
        ("kill -KILL $$", 137, ""),
        # Refused, or crashed over what it read: the gate looks at the files.
        ("exit 1", 0, "gate redis refused\n"),
        ("kill -SEGV $$", 0, "gate redis refused\n"),
        ("kill -ABRT $$", 0, "gate redis refused\n"),
    ],
)
def test_end_of_redis(tmp_path: Path, redis: str, code: int, said: str) -> None:
    with start(tmp_path, redis) as process:
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (code, said)


@pytest.mark.parametrize("code", [0, 1])
def test_redis_is_told_to_stop_and_the_gate_does_not_start_it_again(tmp_path: Path, code: int) -> None:
    redis = f"trap 'echo stopping; exit {code}' TERM; echo up; while :; do sleep 0.05; done"
    with start(tmp_path, redis) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        process.terminate()
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (code, "stopping\n")
