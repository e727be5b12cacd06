"""People who vote on the stack that is up here, while a test does something to it."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from deployment.configuration.layout import LOCAL_CA_FILE
from deployment.configuration.settings import Settings
from kit.local import LocalStack
from swarm import ledger, rows
from swarm.edges import Site
from swarm.ledger import NOBODY, Ballot
from swarm.voters import Voters

VOTES_PER_SECOND = 20
REGULARS = 12
SOME_VOTES = 30
# No connection within a second: a busy machine. Nothing was sent.
NOT_SENT = "no edge"


@contextmanager
def electorate(chosen: Settings) -> Iterator[Voters]:
    """Have voters ready."""
    trust = ssl.create_default_context(cafile=str(LOCAL_CA_FILE))
    site = Site(chosen.vote_host, chosen.https_port, ("127.0.0.1",), trust)
    with Voters(site, regulars=REGULARS, per_second=VOTES_PER_SECOND) as voters:
        yield voters


@contextmanager
def voting(local: LocalStack, voters: Voters) -> Iterator[list[Ballot]]:
    """Have people vote meanwhile, and hold what they were told against what is stored then."""
    begun = len(voters.ballots)
    ballots: list[Ballot] = []
    voters.go()
    voters.wait_for_votes(SOME_VOTES)
    yield ballots
    voters.wait_for_votes(SOME_VOTES)
    voters.pause()
    local.wait_stored()
    ballots += voters.ballots[begun:]
    container = local.container(local.status()["postgres"]["primary"])
    stored = rows.stored(rows.sql(rows.question({ballot.voter for ballot in voters.ballots}), container))
    verdict = ledger.judge(voters.ballots, stored)
    assert verdict.kept, verdict.summary()


def refused(ballots: Sequence[Ballot]) -> list[str]:
    """Return what became of each vote that was sent and not acknowledged."""
    gone = [ballot for ballot in ballots if not ballot.acknowledged and not ballot.again]
    return [ballot.problem for ballot in gone if ballot.voter != NOBODY and ballot.problem != NOT_SENT]


def longest_silence(ballots: Sequence[Ballot]) -> float:
    """Return for how many seconds at most no vote was acknowledged."""
    answered = sorted(ballot.answered for ballot in ballots if ballot.acknowledged)
    return max((later - earlier for earlier, later in pairwise(answered)), default=0.0)
