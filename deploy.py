#!/usr/bin/env python3
"""Front door: make the project's virtual environment once, then hand over to stack/deployment.

Runs on the system's Python 3.11 or newer with nothing installed; uses the standard library only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUNTIME_LOCK = ROOT / "stack" / "requirements.lock"
TEST_LOCK = ROOT / "tests" / "requirements.lock"
TESTING = (["test"], ["lab"], ["bench"])
MINIMUM = (3, 11)


class FrontDoorError(Exception):
    """What happened on the first line, what to do about it on the second."""


def main(arguments: list[str]) -> None:
    """Prepare the environment that `arguments` need and replace this process by the real program."""
    if sys.version_info < MINIMUM:
        raise FrontDoorError(
            f"Python {sys.version.split()[0]} is too old: 3.11 or newer is needed.\n"
            "Run it as `python3.11 deploy.py …`, or upgrade Python."
        )
    # Other users of this machine use the same .venv, whoever makes it, and read the authority's certificate.
    os.umask(0o022)
    locks = [RUNTIME_LOCK, TEST_LOCK] if arguments[:1] in TESTING else [RUNTIME_LOCK]
    for lock in locks:
        install(lock, may_install="--install-engine" in arguments)
    # The docker command takes texts as UTF-8 only, whatever the locale is.
    own = {"PYTHONPATH": str(ROOT / "stack"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    environment = {**os.environ, **own}
    os.execve(PYTHON, [str(PYTHON), "-m", "deployment", *arguments], environment)


def install(lock: Path, *, may_install: bool) -> None:
    """Install a hash-locked requirements file into `.venv`, unless this very lock is there already."""
    stamp = VENV / f"{lock.parent.name}.installed"
    fingerprint = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == fingerprint:
        return
    if not (VENV / "bin" / "pip").exists():
        make_environment(may_install=may_install)
    print(f"Installing {lock.relative_to(ROOT)} into .venv (only once) …", file=sys.stderr, flush=True)
    run(
        [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-compile", "--require-hashes", "-r", str(lock)],
        "Check the connection to the Python package index (and PIP_CERT behind a company proxy), "
        "then run the same command again.",
    )  # fmt: skip
    # pip would do it on one core alone. What does not compile does not matter: nobody imports it.
    subprocess.run([str(PYTHON), "-m", "compileall", "-qq", "-j", "0", str(VENV / "lib")], check=False)
    stamp.write_text(fingerprint)


def make_environment(*, may_install: bool) -> None:
    """Create `.venv`; where the distribution split venv off, install that part if allowed."""
    if VENV.exists():
        shutil.rmtree(VENV)
    remedy = "Install it (`apt-get install python3-venv`), or add --install-engine to let me do it."
    try:
        run([sys.executable, "-m", "venv", str(VENV)], remedy)
    except FrontDoorError:
        shutil.rmtree(VENV, ignore_errors=True)
        if not (may_install and shutil.which("apt-get")):
            raise
        print("Installing python3-venv …", file=sys.stderr, flush=True)
        run(["apt-get", "update", "-qq"], "Check the package sources of this machine.")
        run(["apt-get", "install", "-y", "-qq", "python3-venv"], remedy)
        run([sys.executable, "-m", "venv", str(VENV)], remedy)


def run(command: list[str], remedy: str) -> None:
    """Run a command quietly; on failure raise with its last lines and the remedy."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-8:])
        raise FrontDoorError(f"`{' '.join(command[:4])} …` failed:\n{tail}\n{remedy}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except FrontDoorError as error:
        sys.exit(f"ERROR: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
