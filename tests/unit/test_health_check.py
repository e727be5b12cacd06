"""A container is healthy as soon as it can serve, and Docker asks seldom from then on."""

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from deployment.configuration.layout import ROOT, STACK_FILE

NODES = ("postgres-ha", "redis-sentinel")
OVERLAYS = STACK_FILE.parent / "overlays"
PROGRAM = ROOT / "vote" / "health-check"
HEALTH_CHECK = re.compile(r"^HEALTHCHECK ([^[]*?)CMD \[\"health-check\", \"(\d+)\"", re.MULTILINE | re.DOTALL)
# What the last answer may take, on a machine that has much to do.
ANSWER_SECONDS = 10


@dataclass(frozen=True)
class Asked:
    """The exit code of one health check, and how long it took."""

    code: int
    seconds: float


@dataclass(frozen=True)
class Container:
    """A container's scratch folder, with files that stand for its state."""

    folder: Path

    def ask(self, lasts: int, *commands: str) -> Asked:
        """Run the health check, as Docker does."""
        begun = time.monotonic()
        done = subprocess.run(
            [PROGRAM, str(lasts), *commands],
            env={**os.environ, "TMPDIR": str(self.folder)}, cwd=self.folder, check=False, capture_output=True,
        )  # fmt: skip
        return Asked(done.returncode, time.monotonic() - begun)

    def become(self, state: str) -> None:
        """Be ready, or work: `[ -e STATE ]` says so."""
        (self.folder / state).touch()


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


class Handler(BaseHTTPRequestHandler):
    """Answers one path."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_the_first_answer_comes_as_soon_as_it_is_ready(container: Container) -> None:
    threading.Timer(0.5, container.become, ["ready"]).start()
    first = container.ask(60, "true", "[ -e ready ]")
    assert first.code == 0
    assert 0.5 <= first.seconds < 30


@pytest.mark.parametrize(
    ("lasts", "answers", "code"),
    [
        (3, ["yes", "yes"], 0),
        (3, ["no", "yes"], 0),
        (3, ["yes", "no"], 1),
        (6, ["no", "no"], 1),  # it does not wait for the third
    ],
)
def test_after_that_it_asks_several_times_for_one_answer(
    container: Container, lasts: int, answers: list[str], code: int
) -> None:
    assert container.ask(lasts, "true").code == 0
    (container.folder / "answers").write_text("\n".join([*answers, "yes"]))
    works = "echo >> asked; sed --quiet $(wc --lines < asked)p answers | grep --quiet yes"
    later = container.ask(lasts, works, "true")
    assert (later.code, (container.folder / "asked").read_text()) == (code, "\n" * len(answers))
    assert later.seconds >= 3


def test_it_is_healthy_all_the_same_while_what_it_needs_is_away(container: Container) -> None:
    assert container.ask(1, "true", "false").code == 0


def test_what_does_not_work_is_not_healthy_and_is_waited_for_again(container: Container) -> None:
    assert container.ask(0, "[ -e works ]", "false").code == 1
    threading.Timer(0.5, container.become, ["works"]).start()
    assert container.ask(0, "[ -e works ]", "false").code == 0


@pytest.mark.parametrize(("path", "code"), [("/healthz", 0), ("/readyz", 1)])
def test_only_the_answer_200_is_a_yes(container: Container, port: int, path: str, code: int) -> None:
    container.become("healthy")
    assert container.ask(0, f"answers {port} {path}").code == code


def test_who_does_not_listen_or_does_not_answer_is_not_healthy(container: Container) -> None:
    container.become("healthy")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert container.ask(0, f"answers {port} /healthz").code == 1
        silent.listen()
        assert container.ask(0, f"answers {port} /healthz").code == 1


def checks() -> dict[str, tuple[str, int]]:
    """Return the options of every health check of this kind, and how long it lasts, by where it stands."""
    found = {path: HEALTH_CHECK.search(path.read_text()) for path in ROOT.glob("[!.]*/**/Dockerfile")}
    return {
        path.parent.relative_to(ROOT).as_posix(): (match[1], int(match[2]))
        for path, match in found.items()
        if match
    }


@pytest.mark.parametrize("folder", checks())
def test_docker_asks_at_once_and_waits_for_the_answer(folder: str) -> None:
    options, lasts = checks()[folder]
    # A data node that is back sooner would confuse an election.
    assert f"--interval={5 if folder in NODES else 1}s " in options
    assert f"--timeout={lasts + ANSWER_SECONDS}s " in options
    # From Engine 25 on, Docker asks every five seconds in a start period.
    assert "--start-period" not in options


@pytest.mark.parametrize(
    ("file", "service"),
    [
        (STACK_FILE, "observer"),
        (OVERLAYS / "backup.yaml", "backup"),
        (OVERLAYS / "monitoring.yaml", "swarm-exporter"),
    ],
)
def test_so_it_does_where_the_stack_says_how(file: Path, service: str) -> None:
    check = yaml.safe_load(file.read_text())["services"][service]["healthcheck"]
    assert check["test"][:2] == ["CMD", "health-check"]
    assert (check["interval"], check["timeout"]) == ("1s", f"{int(check['test'][2]) + ANSWER_SECONDS}s")
    assert "start_period" not in check
