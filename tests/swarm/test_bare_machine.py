"""A machine is lost with all that is on it: the store, the kit and its passphrase give the votes back."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration.layout import ENV_FILE, GIVEN, STACK
from deployment.engine.images import images
from deployment.engine.images.images import COMPONENTS
from deployment.operations.votes import seed
from deployment.plan.cluster.backups import FOREIGN
from kit.checkout import copied
from kit.local import LocalStack, deploy, running, verb
from kit.waiting import wait_until
from swarm.backups import (
    Bucket,
    Store,
    bucket,
    drilled,
    listed,
    turn_off,
    turn_on,
    volume,
    wait_for_the_first,
)
from swarm.citizen import identity, tally, vote, wait_for

pytestmark = pytest.mark.long

PASSPHRASE = "correct horse battery staple"
# Until the runner has asked the store again, and has told the database's nodes what it said.
SAID_SECONDS = 60


@pytest.fixture(scope="module")
def local(pytestconfig: pytest.Config) -> LocalStack:
    """The stack that is up here, all of which may be lost."""
    if not (pytestconfig.getoption("delete_votes") or os.environ.get("CI")):
        pytest.skip("it deletes all that is here; --delete-votes allows that")
    if os.geteuid():
        pytest.skip("it copies a volume, for which it must be root")
    found = running()
    way = seed.entrance(found.client)
    if way is None or way.public or ENV_FILE.exists() or any(GIVEN.glob("*")):
        pytest.skip("the stack is of value here: its pages are public, or it has a stack/.env or stack/given")
    return found


@pytest.fixture(scope="module", params=["s3", "volume"])
def store(
    local: LocalStack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """Where the stack is backed up."""
    folder = tmp_path_factory.mktemp("store") / "backups"
    with bucket(folder) if request.param == "s3" else nullcontext(volume(folder)) as found:
        turn_on(found.settings)
        wait_for_the_first()
        yield found
        turn_off()


def test_the_store_the_kit_and_the_passphrase_give_the_votes_back(
    local: LocalStack, store: Store, tmp_path: Path, record_testsuite_property: Callable[[str, Any], None]
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
    store.rescue()
    lose_everything(local)

    store.bring()
    checkout = copied(tmp_path)
    seconds = carry_out(
        checkout,
        {
            "kit open": ("kit", "open", kit, *secret),
            "up": ("up", "--yes"),
            "restore": ("restore", "--to", "latest", "--yes"),
        },
    )
    assert tally(local) == before
    wait_until(lambda: FOREIGN in problems(local), SAID_SECONDS, lambda: problems(local))
    seconds |= carry_out(checkout, {"backup adopt": ("backup", "adopt", "--yes")})
    print(seconds)
    kind = store.settings["BACKUP_STORE"]
    record_testsuite_property(f"seconds on a bare machine, {kind}", json.dumps(seconds))

    local.wait_healthy()
    assert identity(vote(local, "b", cookie)) == identity(cookie)
    wait_for(local, before - Counter("a") + Counter("b"))
    audit = json.loads(verb("audit", "--json").stdout)
    assert not [one for one in audit["processes"] if one["lost"]]
    wait_until(lambda: not problems(local), SAID_SECONDS, lambda: problems(local))

    assert [one for one in listed() if not one["former"]]
    former = [one["label"] for one in listed() if one["former"]]
    proved = drilled("--backup", former[-1])
    assert (proved["outcome"], Counter(proved["votes"])) == ("good", before), proved
    restored = verb("restore", "--to", former[-1], "--yes", "--export", str(tmp_path / "later"))
    assert restored.returncode == 0, restored.stderr
    wait_for(local, before)


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_a_store_that_refuses_its_key_is_named_and_takes_another_one(
    local: LocalStack, store: Bucket
) -> None:
    assert drilled()["outcome"] == "good"
    wait_until(lambda: not problems(local), SAID_SECONDS, lambda: problems(local))
    before = keys()
    store.change_key()
    wait_until(lambda: "InvalidAccessKeyId" in problems(local), SAID_SECONDS, lambda: problems(local))
    assert "InvalidAccessKeyId" in verb("doctor").stdout
    assert "InvalidAccessKeyId" in verb("backups").stderr
    assert "403 (Forbidden)" in verb("backup").stderr
    unknown = drilled()
    assert unknown["outcome"] == "not run"
    assert "InvalidAccessKeyId" in unknown["why"]

    done = deploy(**store.settings)
    assert done.returncode == 0, done.stderr
    assert verb("backup").returncode == 0
    wait_until(lambda: not problems(local), SAID_SECONDS, lambda: problems(local))
    after = keys()
    assert after.keys() == before.keys()
    assert all(after[name] > before[name] for name in after)


def carry_out(checkout: Path, steps: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """Run verbs of a checkout; return how long each took, in seconds."""
    seconds = {}
    for name, words in steps.items():
        began = time.monotonic()
        done = verb(*words, checkout=checkout)
        assert done.returncode == 0, done.stderr
        seconds[name] = round(time.monotonic() - began, 1)
    return seconds


def problems(local: LocalStack) -> str:
    """Return what `status` says that is wrong with the backups."""
    return "; ".join(one for one in local.status()["warnings"] if "backup" in one and " kit " not in one)


def keys() -> dict[str, str]:
    """Return since when the bucket's key and its secret are there, as `secrets list` says."""
    told = json.loads(verb("secrets", "list", "--json").stdout)
    return {one["key"]: one["since"] for one in told if one["key"].startswith("backup_s3_")}


def lose_everything(local: LocalStack) -> None:
    """Take away the stack, its data, its images and the Swarm."""
    assert verb("down", "--volumes", "--yes", "--quiet").returncode == 0
    local.client.swarm.leave(force=True)
    for component in COMPONENTS:
        for image in local.client.images.list(images.by_hand(component).removesuffix(":latest")):
            local.client.images.remove(image.id, force=True)
    assert not local.client.volumes.list(filters={"name": f"{STACK}_"})
