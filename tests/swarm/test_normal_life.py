"""An hour of normal life: people vote, releases are rolled out, no alert fires; then one is provoked."""

import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration.layout import ROOT
from deployment.configuration.settings import Settings
from deployment.engine.images.images import COMPONENTS
from deployment.engine.secrets import credentials
from kit.checkout import relabelled
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from swarm import rows
from swarm.audience import Audience
from swarm.citizen import door
from swarm.edges import Site
from swarm.ledger import Ledger, Verdict
from swarm.prometheus import ask
from swarm.vanishing import come_back, vanish
from swarm.voters import Voters

pytestmark = pytest.mark.long

SECONDS = 3600
VOTES_PER_SECOND = 20
# All voters come from this machine's one address.
WATCHED = {"NEW_VOTERS_PER_SECOND": "0", "MONITORING": "true"}
NOW = 'ALERTS{alertstate="firing"}'
FIRED = f'count by (alertname) (last_over_time(ALERTS{{alertstate="%s"}}[{SECONDS}s]))'
ALERT_SECONDS = 240


@pytest.fixture(scope="module")
def local() -> Iterator[LocalStack]:
    found = running()
    assert verb("up", "--yes", environment=WATCHED).returncode == 0
    yield found
    assert verb("up", "--yes", "--no-monitoring").returncode == 0


@pytest.fixture(scope="module")
def pages(local: LocalStack, chosen: Settings) -> list[Site]:
    trust = ssl.create_default_context(cadata=credentials.authorities(local.client))
    return [Site(host, chosen.https_port, ("127.0.0.1",), trust) for host in chosen.hosts]


def test_no_alert_fires_in_an_hour_with_two_rollouts(
    local: LocalStack,
    pages: list[Site],
    tmp_path: Path,
    record_testsuite_property: Callable[[str, Any], None],
) -> None:
    vote, result = pages
    ledger = Ledger([], counted(local))
    began = time.monotonic()
    with Audience(result) as audience, Voters(vote, per_second=VOTES_PER_SECOND) as voters:
        ledger.ballots = voters.ballots
        voters.go()
        rest_until(began + SECONDS / 4, voters)
        other = relabelled(tmp_path, {component.folder for component in COMPONENTS})
        roll_out(other)
        rest_until(began + SECONDS / 2, voters)
        roll_out(ROOT)
        rest_until(began + SECONDS, voters)
        assert audience.moved_since(time.monotonic() - 10)
        voters.pause()
    local.wait_healthy()
    verdict = judge(local, ledger)
    refused = [ballot.problem for ballot in ledger.ballots if not (ballot.acknowledged or ballot.again)]
    print(f"{verdict.acknowledged} acknowledged, refused {Counter(refused)}; {verdict.summary()}")
    print(f"pending for a while: {alerts(local, FIRED % 'pending')}")
    record_testsuite_property("votes acknowledged, refused", [verdict.acknowledged, len(refused)])
    assert verdict.kept
    assert alerts(local, FIRED % "firing") == {"Watchdog"}


def test_somebody_is_told_of_a_vote_that_vanished(
    local: LocalStack, record_testsuite_property: Callable[[str, Any], None]
) -> None:
    entry = vanish(local, door(local))
    began = time.monotonic()
    try:
        wait_until(lambda: "VotesMissing" in alerts(local, NOW), ALERT_SECONDS)
    finally:
        come_back(local, entry)
    record_testsuite_property("seconds until VotesMissing fired", round(time.monotonic() - began))
    local.wait_healthy()


def roll_out(checkout: Path) -> None:
    done = verb("up", "--yes", checkout=checkout, environment=WATCHED)
    assert done.returncode == 0, done.stderr
    print(f"rolled out {checkout}")


def rest_until(moment: float, voters: Voters) -> None:
    """Let them vote, and complain if they cannot."""
    while time.monotonic() < moment:
        voters.wait_for_votes(VOTES_PER_SECOND)


def counted(local: LocalStack) -> int:
    return sum(stored(local, []).counted.values())


def stored(local: LocalStack, voters: list[str]) -> Any:
    primary = local.container(local.status()["postgres"]["primary"])
    return rows.stored(rows.sql(rows.question(voters), primary))


def judge(local: LocalStack, ledger: Ledger) -> Verdict:
    assert local.status()["queue"]["pending"] == 0
    promised = [ballot.voter for ballot in ledger.ballots if ballot.acknowledged]
    return ledger.close(ledger.ballots, stored(local, promised))


def alerts(local: LocalStack, query: str) -> set[str]:
    """Return the names of the alerts that Prometheus answers a question with."""
    return {found["metric"]["alertname"] for found in ask(local, query)}
