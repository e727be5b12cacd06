"""A machine is lost with all that is on it: the store, the kit and its passphrase give the votes back."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration.layout import ENV_FILE, GIVEN, STACK
from deployment.engine.images import images
from deployment.engine.images.images import COMPONENTS
from deployment.operations.votes import seed
from kit.checkout import copied
from kit.containers import docker
from kit.local import LocalStack, running, verb
from swarm.backups import listed, turn_off, turn_on, wait_for_the_first
from swarm.citizen import identity, tally, vote, wait_for

pytestmark = pytest.mark.long

PASSPHRASE = "correct horse battery staple"
VOLUME = f"{STACK}_backup"


@pytest.fixture
def local(pytestconfig: pytest.Config) -> Iterator[LocalStack]:
    """The stack that is up here, with a store of backups; all that it has may be lost."""
    if not (pytestconfig.getoption("delete_votes") or os.environ.get("CI")):
        pytest.skip("it deletes all that is here; --delete-votes allows that")
    if os.geteuid():
        pytest.skip("it copies a volume, for which it must be root")
    found = running()
    way = seed.entrance(found.client)
    if way is None or way.public or ENV_FILE.exists() or any(GIVEN.glob("*")):
        pytest.skip("the stack is of value here: its pages are public, or it has a stack/.env or stack/given")
    turn_on()
    wait_for_the_first()
    yield found
    turn_off()


def test_the_store_the_kit_and_the_passphrase_give_the_votes_back(
    local: LocalStack, tmp_path: Path, record_testsuite_property: Callable[[str, Any], None]
) -> None:
    secret, kit = ("--passphrase-file", str(tmp_path / "passphrase")), str(tmp_path / "kit")
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    before, cookie = tally(local), vote(local, "a")
    for choice in "abb":
        vote(local, choice)
    before += Counter(a=2, b=2)
    wait_for(local, before)
    assert verb("kit", "make", kit, *secret).returncode == 0
    assert verb("backup").returncode == 0
    kept = tmp_path / "store"
    copy(mountpoint(), kept)
    lose_everything(local)

    docker("volume", "create", VOLUME)
    copy(kept, mountpoint())
    steps = {
        "kit open": ("kit", "open", kit, *secret),
        "up": ("up", "--yes"),
        "restore": ("restore", "--to", "latest", "--yes"),
        "backup adopt": ("backup", "adopt", "--yes"),
    }
    checkout = copied(tmp_path)
    seconds = {name: carry_out(checkout, *words) for name, words in steps.items()}
    print(seconds)
    record_testsuite_property("seconds on a bare machine", json.dumps(seconds))

    local.wait_healthy()
    assert tally(local) == before
    assert identity(vote(local, "b", cookie)) == identity(cookie)
    wait_for(local, before - Counter("a") + Counter("b"))
    audit = json.loads(verb("audit", "--json").stdout)
    assert not [one for one in audit["processes"] if one["lost"]]
    assert [one for one in listed() if not one["former"]]


def carry_out(checkout: Path, *words: str) -> float:
    """Run a verb of a checkout; return how long it took, in seconds."""
    began = time.monotonic()
    done = verb(*words, checkout=checkout)
    assert done.returncode == 0, done.stderr
    return round(time.monotonic() - began, 1)


def lose_everything(local: LocalStack) -> None:
    """Take away the stack, its data, its images and the Swarm."""
    assert verb("down", "--volumes", "--yes", "--quiet").returncode == 0
    local.client.swarm.leave(force=True)
    for component in COMPONENTS:
        for image in local.client.images.list(images.by_hand(component).removesuffix(":latest")):
            local.client.images.remove(image.id, force=True)
    assert not local.client.volumes.list(filters={"name": f"{STACK}_"})


def mountpoint() -> Path:
    """Return where the store is on the disk."""
    return Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", VOLUME))


def copy(source: Path, target: Path) -> None:
    """Copy all that is in a folder, with its owners."""
    subprocess.run(["cp", "--archive", f"{source}/.", str(target)], check=True)
