"""Images are built side by side, and a failure or Ctrl-C ends that as one build would end."""

import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from deployment.configuration.layout import ROOT
from deployment.engine.images import builds, images
from deployment.engine.images.base import Bases
from deployment.engine.images.images import COMPONENTS
from deployment.engine.machine import engine as machine
from deployment.errors import DeployError
from deployment.progress import Progress, Task
from kit.waiting import wait_until

BASES = Bases("debian", "traefik")
WANTED = {component: component.name for component in COMPONENTS}
FIRST = builds.SHARED
OTHERS = sorted(WANTED.values(), key=lambda name: name not in builds.LONGEST)
# The beginning of a Dockerfile, up to the end of the stage that is built first.
SHARED = re.compile(rf"FROM \S+ AS python\n.*?FROM python AS {builds.SHARED}\n.*?\n\n", re.DOTALL)


class Engine:
    """Builds until it is let go on, and keeps what was asked of it."""

    def __init__(self, *failing: str) -> None:
        self.begun: list[str] = []
        self.built: list[str] = []
        self.go = threading.Event()
        self._failing = failing

    def build(self, client: DockerClient, folder: Path, tag: str, base: str, task: Task) -> None:
        self.begun.append(tag)
        task.detail("Step 1")
        if tag in self._failing:
            wait_until(lambda: set(self._failing) <= set(self.begun))
            raise DeployError(f"Building {tag} failed", "Mend it.", [f"the last line of {tag}"])
        if tag != FIRST:
            assert self.go.wait(10)
        self.built.append(tag)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = Engine(*getattr(request, "param", ()))
    monkeypatch.setattr(images, "build", made.build)
    monkeypatch.setattr(images, "build_stage", made.build)
    monkeypatch.setattr(machine, "require", lambda: made)
    yield made
    made.go.set()


def build() -> None:
    builds.build(WANTED, BASES, Progress())


def test_what_most_begin_with_is_the_same_in_each_of_them() -> None:
    dockerfiles = [(component.context / "Dockerfile").read_text() for component in COMPONENTS]
    having = [text for text in dockerfiles if f"AS {builds.SHARED}\n" in text]
    assert len(having) > len(COMPONENTS) / 2
    assert len({SHARED.search(text)[0] for text in having}) == 1  # type: ignore[index]


def test_one_that_does_not_begin_with_it_is_built_without_it(engine: Engine) -> None:
    engine.go.set()
    builds.build({c: tag for c, tag in WANTED.items() if c.name == "docker-proxy"}, BASES, Progress())
    assert engine.built == ["docker-proxy"]


def test_the_first_is_built_alone_and_the_others_so_many_at_once(engine: Engine) -> None:
    whole = threading.Thread(target=build)
    whole.start()
    wait_until(lambda: len(engine.begun) == 1 + builds.AT_ONCE)
    assert engine.built == [FIRST]
    assert sorted(engine.begun[1:]) == sorted(builds.LONGEST)
    engine.go.set()
    whole.join()
    assert engine.built[0] == FIRST
    assert sorted(engine.built[1:]) == sorted(WANTED.values())


@pytest.mark.parametrize("engine", [(OTHERS[1],)], indirect=True)
def test_after_a_failure_none_begins_and_what_had_begun_is_built_to_its_end(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    threading.Timer(0.2, engine.go.set).start()
    with pytest.raises(DeployError, match=f"Building {OTHERS[1]} failed") as raised:
        build()
    assert raised.value.evidence == [f"the last line of {OTHERS[1]}"]
    assert sorted(engine.built) == sorted({FIRST, *engine.begun} - {OTHERS[1]})
    assert len(engine.begun) < len(WANTED)
    said = capsys.readouterr().err
    assert f"✗ Building {OTHERS[1]}" in said
    assert f"✓ Building {OTHERS[0]}" in said


@pytest.mark.parametrize("engine", [OTHERS[:2]], indirect=True)
def test_of_two_that_fail_side_by_side_both_say_why(engine: Engine) -> None:
    engine.go.set()
    with pytest.raises(DeployError) as raised:
        build()
    first, other = sorted(OTHERS[:2], key=lambda tag: tag not in raised.value.what)
    assert raised.value.what == f"Building {first} failed"
    assert raised.value.evidence == [
        f"the last line of {first}",
        f"Building {other} failed",
        f"the last line of {other}",
    ]


@pytest.mark.parametrize("engine", [(FIRST,)], indirect=True)
def test_without_the_first_none_begins(engine: Engine) -> None:
    with pytest.raises(DeployError, match=f"Building {FIRST} failed"):
        build()
    assert engine.begun == [FIRST]


def test_an_interrupt_is_not_kept_waiting_and_nothing_more_is_said(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        wait_until(lambda: len(engine.begun) == 1 + builds.AT_ONCE)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        build()
    assert engine.built == [FIRST]
    said = capsys.readouterr().err
    assert all(f"✗ Building {tag}" in said for tag in engine.begun[1:])
    engine.go.set()
    wait_until(lambda: len(engine.built) == 1 + builds.AT_ONCE)
    wait_until(lambda: set(threading.enumerate()) <= before)
    assert len(engine.begun) == 1 + builds.AT_ONCE
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "folder", ["postgres-ha", "stack/monitoring/alertmanager", "stack/monitoring/prober"]
)
def test_what_asks_servers_of_the_world_knows_their_authorities(folder: str) -> None:
    # Debian's slim image knows none. The stand-in for it does, so no container here would show that.
    last = (ROOT / folder / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    installed = re.findall(r"apt-get install -y --no-install-recommends ([^\n]+)", last)
    assert "ca-certificates" in " ".join(installed).split()
