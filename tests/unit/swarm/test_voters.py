"""Strangers, regulars and leavers, against a service that answers at once or lets a vote hang."""

import asyncio
import itertools
import ssl
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import parse_qs

import pytest

from swarm import voters
from swarm.edges import Answer, NoEdgeError, Site
from swarm.ledger import NOBODY, Ballot
from swarm.voters import Voters

SITE = Site("vote.example", 443, ("one", "two"), ssl.create_default_context())
# The first to register: so many that one is idle at each turn, also on a machine that stalls for a second.
REGULARS = tuple(f"v{number}" for number in range(120))


class Service:
    """What stands in for a browser: gives cookies and pages, and takes votes after a while."""

    ids: ClassVar[Iterator[int]] = itertools.count()
    versions = itertools.count(1)
    forms: ClassVar[dict[str, list[dict[str, list[str]]]]] = defaultdict(list)
    first_hangs = False  # a first vote is answered after the second one came
    closed = False

    def __init__(self, site: Site, turn: int) -> None:
        self.edge = ""
        self._busy = False

    def begin_at(self, turn: int) -> None:
        self.edge = SITE.addresses[turn % 2]

    def close(self) -> None:
        pass

    async def connect(self) -> None:
        if self.closed:
            raise NoEdgeError

    async def request(self, method: str, cookie: str = "", body: bytes = b"") -> Answer:
        assert not self._busy, "two requests at once on one connection"
        self._busy = True
        voter = voters.identity(cookie) if cookie else f"v{next(self.ids)}"
        form = parse_qs(body.decode())
        self.forms[voter].append(form)
        version = next(self.versions) if method == "POST" else 0
        await asyncio.sleep(0.001)
        while cookie and self.first_hangs and voter not in REGULARS and len(self.forms[voter]) < 3:
            await asyncio.sleep(0.001)  # until the second vote is here
        self._busy = False
        return Answer(200, f"voter_id={voter}.{version}.signature", served=1000 + version)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> type[Service]:
    class Fresh(Service):
        ids: ClassVar[Iterator[int]] = itertools.count()
        forms: ClassVar[dict[str, list[dict[str, list[str]]]]] = defaultdict(list)

    monkeypatch.setattr(voters, "Browser", Fresh)
    monkeypatch.setattr(voters, "SECOND_THOUGHT_SECONDS", (0.05, 0.1))
    return Fresh


def crowd(votes: int) -> tuple[list[Ballot], dict[str, list[Ballot]]]:
    """Let a crowd vote; return all ballots, and those of the leavers."""
    with Voters(SITE, regulars=len(REGULARS), per_second=400) as all_voters:
        all_voters.go()
        all_voters.wait_for_votes(votes)
        all_voters.pause()
    leavers: dict[str, list[Ballot]] = defaultdict(list)
    for ballot in sorted(all_voters.ballots, key=lambda b: b.sent):
        if not ballot.stranger and ballot.voter not in REGULARS:
            leavers[ballot.voter].append(ballot)
    return all_voters.ballots, leavers


def test_half_are_strangers_and_a_quarter_leavers(service: type[Service]) -> None:
    ballots, leavers = crowd(300)
    shares = Counter(
        "stranger" if b.stranger else "leaver" if b.voter in leavers else "regular" for b in ballots
    )
    assert shares["stranger"] / len(ballots) == pytest.approx(0.5, abs=0.05)
    assert shares["leaver"] / len(ballots) == pytest.approx(0.25, abs=0.05)


def test_a_leaver_votes_for_two_options_and_never_again(service: type[Service]) -> None:
    _, leavers = crowd(300)
    assert leavers
    assert all(sorted(b.choice for b in own) == ["a", "b"] for own in leavers.values())
    assert all(first.version < second.version for first, second in leavers.values())
    assert {own[0].choice for own in leavers.values()} == {"a", "b"}


def test_the_second_vote_does_not_wait_for_the_first_ones_answer(service: type[Service]) -> None:
    service.first_hangs = True
    _, leavers = crowd(200)
    assert leavers
    for voter, (first, second) in leavers.items():
        assert second.sent < first.answered
        assert first.sent < second.sent
        pages = service.forms[voter][1:]
        assert pages[0]["served"] == pages[1]["served"]
        assert int(pages[0]["after"][0]) < int(pages[1]["after"][0])


def test_a_vote_counts_from_when_its_voter_chose(
    service: type[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(browser: Service) -> None:
        await asyncio.sleep(0.1)

    monkeypatch.setattr(service, "connect", slowly)
    browser = service(SITE, 0)
    (ballot,) = asyncio.run(voters.cast(browser, "a"))  # type: ignore[arg-type]
    assert ballot.answered - ballot.sent >= 0.1


def test_without_an_edge_nobody_becomes_a_leaver(service: type[Service]) -> None:
    with Voters(SITE, regulars=4, per_second=400) as all_voters:
        service.closed = True
        all_voters.go()
        all_voters._ending.wait(0.5)
        all_voters.pause()
    assert {ballot.problem for ballot in all_voters.ballots} == {"no edge", "no page: NoEdgeError"}
    known = {ballot.voter for ballot in all_voters.ballots if not ballot.stranger} - {NOBODY}
    assert len(known) <= 4
