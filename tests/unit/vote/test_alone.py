"""gunicorn as one process, with an application that stands in for the page."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil

from kit.services import free_port
from kit.waiting import wait_until
from vote import alone

CONFIGURATION = """
from gevent import monkey
monkey.patch_all()
from vote import alone, gunicorn_logs
worker_class, when_ready, timeout = "vote.drain.DrainingWorker", alone.serve, 2
control_socket_disable = True
logconfig_dict = gunicorn_logs.dictionary()
"""
SERVING = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'served']\n"
LOADING = """
import pathlib, time
pathlib.Path("loading").touch()
try:
    time.sleep(60)
except Exception:
    pass
"""
HANGING = """
def hang():
    while True:
        pass
def app(environ, start_response, asked=[]):
    asked.append(1) if not asked else hang()
    start_response("200 OK", [])
    return [b"served"]
"""


@contextmanager
def gunicorn(folder: Path, application: str, port: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Run gunicorn in a folder with this module for the application."""
    (folder / "gunicorn.conf.py").write_text(CONFIGURATION)
    (folder / "application.py").write_text(application)
    package = str(Path(alone.__file__).parents[1])
    command = (sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "application:app")
    with (
        (folder / "stderr").open("w") as errors,
        subprocess.Popen(
            command, cwd=folder, env={"PYTHONPATH": package}, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def answer(port: int) -> bytes:
    """Return what it says, or nothing while it does not answer."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as given:
            body: bytes = given.read()
            return body
    except OSError:
        return b""


def test_one_process_serves(tmp_path: Path) -> None:
    port = free_port()
    with gunicorn(tmp_path, SERVING, port) as process:
        wait_until(lambda: answer(port) == b"served")
        assert psutil.Process(process.pid).children() == []


def test_it_ends_when_told_while_the_application_loads(tmp_path: Path) -> None:
    with gunicorn(tmp_path, LOADING) as process:
        wait_until((tmp_path / "loading").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_one_that_hangs_ends_and_says_where(tmp_path: Path) -> None:
    port = free_port()
    with gunicorn(tmp_path, HANGING, port) as process:
        wait_until(lambda: answer(port) == b"served")
        answer(port)
        assert process.wait(20) == 1
        assert "in hang" in (tmp_path / "stderr").read_text()


def test_an_application_that_fails_ends_it_with_its_reason(tmp_path: Path) -> None:
    with gunicorn(tmp_path, "raise ValueError('no such thing')\n") as process:
        output, _ = process.communicate(timeout=30)
    *_, last = output.splitlines()
    assert process.returncode == 1
    assert "no such thing" in json.loads(last)["exception"]
