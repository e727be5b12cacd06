"""Secrets are changed while people vote: nobody is refused, nothing is lost, and the old are good no more.

A change takes minutes, so CI only asks what would be done; `--all-faults` changes each of them.
"""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

import pytest

from deployment.configuration.layout import LOCAL_CA_FILE, ROOT
from deployment.configuration.settings import Settings
from deployment.engine.secrets import versions
from deployment.engine.swarm import services
from deployment.operations.secrets.listing import mounted
from deployment.plan.release import rotation
from deployment.plan.release.rotation import BY_NAME_ALONE, ROTATABLE, Stage
from kit.containers import docker
from kit.images import absent
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from swarm import ledger, passwords, rows
from swarm.edges import Browser, Site
from swarm.ledger import NOBODY
from swarm.voters import Voters, cast, identity, register

VOTES_PER_SECOND = 20
REGULARS = 12
SOME_VOTES = 30
STAGE_SECONDS = 900
COOKIES_KEY = "voter_cookie_key"
# No connection within a second: a busy machine. Nothing was sent.
NOT_SENT = "no edge"
# At which stage the change of which secrets is interrupted; each of them is changed once.
GROUPS = {
    Stage.ACCEPTED: tuple(key for key in ROTATABLE if key.startswith("redis_")),
    Stage.SENT: tuple(key for key in ROTATABLE if key.startswith("postgres_")),
    Stage.ALONE: ("probe_key", "certificates_token"),
}


@pytest.fixture(scope="module")
def local() -> LocalStack:
    """The stack that is up here."""
    return running()


@pytest.fixture(scope="module")
def site(local: LocalStack, chosen: Settings) -> Site:
    trust = ssl.create_default_context(cafile=str(LOCAL_CA_FILE))
    return Site(chosen.vote_host, chosen.https_port, ("127.0.0.1",), trust)


@pytest.fixture(scope="module")
def voters(site: Site) -> Iterator[Voters]:
    with Voters(site, regulars=REGULARS, per_second=VOTES_PER_SECOND) as crowd:
        yield crowd


def vote(site: Site, voters: Voters, choice: str, cookie: str = "") -> str:
    """Vote as who has this cookie, or as somebody new; return the cookie that they have from then on."""

    async def at_the_page() -> str:
        browser = Browser(site, 0)
        voter = await register(browser)
        voter.cookie = cookie or voter.cookie
        ballots = await cast(browser, choice, voter)
        browser.close()
        assert ballots[-1].acknowledged, ballots
        voters.ballots += ballots
        return voter.cookie

    return asyncio.run(at_the_page())


@pytest.fixture
def unharmed(local: LocalStack, site: Site, voters: Voters) -> Iterator[None]:
    """Have people vote meanwhile; afterwards nobody was refused, and what they were told is stored.

    Somebody votes once before and once after all, and is known again: their votes count as one.
    """
    begun, since = len(voters.ballots), time.monotonic()
    cookie = vote(site, voters, "a")
    voters.go()
    voters.wait_for_votes(SOME_VOTES)
    yield
    voters.wait_for_votes(SOME_VOTES)
    voters.pause()
    assert identity(vote(site, voters, "b", cookie)) == identity(cookie)
    local.wait_stored()
    container = local.container(local.status()["postgres"]["primary"])
    stored = rows.stored(rows.sql(rows.question({ballot.voter for ballot in voters.ballots}), container))
    verdict = ledger.judge(voters.ballots, stored)
    gone = [ballot for ballot in voters.ballots[begun:] if not ballot.acknowledged and not ballot.again]
    refused = [ballot.problem for ballot in gone if ballot.voter != NOBODY and ballot.problem != NOT_SENT]
    print(
        f"{time.monotonic() - since:.0f} s, {len(voters.ballots) - begun} votes, "
        f"{len(gone) - len(refused)} not sent, refused {refused}, {verdict.summary()}"
    )
    assert verdict.kept, verdict.summary()
    assert refused == []


def values(local: LocalStack, keys: Sequence[str]) -> dict[str, str]:
    """Return the passwords among some secrets as the primary of their cluster has them, which sends some."""
    found = dict[str, str]()
    for key in keys:
        if key.endswith("_password"):
            container = local.container(local.status()[key.partition("_")[0]]["primary"])
            found[key] = docker("exec", container, "cat", passwords.file(key))
    return found


def good(local: LocalStack, those: Mapping[str, str]) -> dict[str, bool]:
    """Say which passwords the primary of their cluster takes."""
    now, found = local.status(), dict[str, bool]()
    for key, password in those.items():
        node = local.container(now[key.partition("_")[0]]["primary"])
        said = docker("exec", node, *passwords.question(key, password))
        found[key] = said.strip() == passwords.TAKEN
    return found


def begin_and_interrupt(local: LocalStack, key: str, stage: Stage, *names: str) -> None:
    """Begin a change, and kill it when a secret has come to a stage: in the first, when somebody has it."""
    command = [sys.executable, str(ROOT / "deploy.py"), "secrets", "rotate", "--quiet", *(names or (key,))]
    with subprocess.Popen(command, env={**os.environ}, stdin=subprocess.DEVNULL) as process:

        def there() -> bool:
            assert process.poll() is None, f"it ended before {key} was {stage}"
            newest = versions.read(local.client)[key][-1]
            used = stage is not Stage.ACCEPTED or newest.name in mounted(
                services.specifications(local.client)
            )
            return newest.stage == stage and used

        try:
            wait_until(there, STAGE_SECONDS, lambda: f"{key} is {versions.stages(local.client)[key]!r}")
        finally:
            process.kill()


def settled(local: LocalStack) -> None:
    """See that no change is under way, and that no former version is left but the key of cookies."""
    now = local.status()
    assert now["healthy"], now["missing"]
    found = versions.read(local.client)
    assert rotation.underway({key: of[-1].stage for key, of in found.items()}) == []
    assert {key for key, of in found.items() if len(of) > 1} <= {COOKIES_KEY}
    used = mounted(services.specifications(local.client))
    assert [key for key in ROTATABLE if found[key][-1].name not in used] == []


def test_what_a_change_replaces_is_said_before_and_a_fixed_secret_is_refused(local: LocalStack) -> None:
    before = versions.read(local.client)
    planned = verb("secrets", "rotate", "probe_key", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "would create a new version of probe_key" in planned.stdout
    assert "would let the new one be sent: probe_key (replaces" in planned.stdout
    refused = verb("secrets", "rotate", "backup_key")
    assert refused.returncode == 1
    assert (
        "the backups that are in the store could not be read any more. Nothing was changed" in refused.stderr
    )
    assert versions.read(local.client) == before


@pytest.mark.long
@pytest.mark.usefixtures("unharmed")
def test_the_key_of_cookies_is_changed_once_though_that_is_interrupted(local: LocalStack) -> None:
    if rotation.kept(versions.read(local.client)):
        absent("the key of the cookies was changed here before: a second change forgets voters")
    before = versions.read(local.client)[COOKIES_KEY][-1].name
    begin_and_interrupt(local, COOKIES_KEY, Stage.SENT)
    done = verb("secrets", "rotate", COOKIES_KEY)
    assert done.returncode == 0, done.stderr
    old, new = versions.read(local.client)[COOKIES_KEY]
    assert old.name == before
    again = verb("secrets", "rotate", COOKIES_KEY)
    assert again.returncode == 1
    assert "nothing is left to do" in again.stderr
    assert versions.read(local.client)[COOKIES_KEY] == [old, new]
    settled(local)


@pytest.mark.long
@pytest.mark.parametrize(("stage", "keys"), GROUPS.items())
@pytest.mark.usefixtures("unharmed")
def test_some_are_changed_though_that_is_interrupted(
    local: LocalStack, stage: Stage, keys: tuple[str, ...]
) -> None:
    before, names = values(local, keys), versions.read(local.client)
    assert good(local, before) == dict.fromkeys(before, True)
    begin_and_interrupt(local, keys[0], stage, *keys)
    done = verb("secrets", "rotate", *keys)
    assert done.returncode == 0, done.stderr
    assert good(local, before) == dict.fromkeys(before, False)
    assert good(local, values(local, keys)) == dict.fromkeys(before, True)
    settled(local)
    found = versions.read(local.client)
    assert [key for key in keys if found[key][-1].name == names[key][-1].name] == []


@pytest.mark.long
@pytest.mark.usefixtures("unharmed")
def test_all_are_changed(local: LocalStack) -> None:
    names = versions.read(local.client)
    done = verb("secrets", "rotate", "--all")
    assert done.returncode == 0, done.stderr
    settled(local)
    found = versions.read(local.client)
    kept = [key for key in ROTATABLE if found[key][-1].name == names[key][-1].name]
    assert kept == list(BY_NAME_ALONE)


@pytest.mark.long
@pytest.mark.parametrize("key", ROTATABLE)
@pytest.mark.usefixtures("unharmed")
def test_each_is_changed_alone(local: LocalStack, key: str) -> None:
    # Of an earlier test nobody is left who has not voted since.
    found = versions.read(local.client)
    since = f"{found[key][-1].created[:19]}Z"
    forget = ["--forget-voters", since] if key in rotation.kept(found) else []
    began = time.monotonic()
    done = verb("secrets", "rotate", key, *forget)
    assert done.returncode == 0, done.stderr
    print(f"{key}: {time.monotonic() - began:.0f} s")
    settled(local)
