"""Voters who vote through the edge, change their minds all the time, and remember what they were told."""

import threading
import time
from pathlib import Path

import requests

from swarm.cluster import wait_until
from swarm.ledger import Ballot

REQUEST_TIMEOUT_SECONDS = 15
ACKNOWLEDGED_WITHIN_SECONDS = 60


def trusting_session(authority: Path) -> requests.Session:
    """Return a session that trusts the stack's own authority, whatever the environment names."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(authority)
    return session


class Voters:
    """A crowd that votes at a steady rate from several threads; a context manager.

    Half of the votes come from strangers, who vote once and have no cookie yet: each acknowledged one
    must have its row, so that whatever is lost at any moment shows. The others come from regulars, who
    change their mind every time: an older vote that overwrites a newer one shows.
    """

    def __init__(
        self, url: str, authority: Path, *, regulars: int = 120, per_second: int = 160, threads: int = 8
    ) -> None:
        self.url = url
        self.authority = authority
        self.interval = 2 * threads / per_second
        self.ballots: list[Ballot] = []
        self._ending = threading.Event()
        share = regulars // threads
        self._threads = [threading.Thread(target=self._crowd, args=(share,)) for _ in range(threads)]
        self._problems: list[BaseException] = []

    def __enter__(self) -> "Voters":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        if self._problems:
            raise self._problems[0]

    @property
    def ids(self) -> set[str]:
        """Voters who were told at least once that their vote is recorded."""
        return {ballot.voter for ballot in self.ballots if ballot.acknowledged}

    @property
    def rate(self) -> float:
        """Votes sent in a second, from the first to the last."""
        times = [ballot.sent for ballot in self.ballots]
        return len(times) / (max(times) - min(times))

    def wait_for_votes(self, count: int) -> None:
        """Wait until so many more votes were acknowledged."""
        wanted = sum(b.acknowledged for b in self.ballots) + count
        wait_until(
            lambda: bool(self._problems) or sum(b.acknowledged for b in self.ballots) >= wanted,
            ACKNOWLEDGED_WITHIN_SECONDS,
            lambda: f"{len(self.ballots)} votes sent, the last: {self.ballots[-1:]}",
        )

    def _crowd(self, size: int) -> None:
        try:
            regulars = [self._register() for _ in range(size)]
            stranger = trusting_session(self.authority)
            turn = 0
            while not self._ending.wait(self.interval):
                session, voter = regulars[turn % size]
                self.ballots.append(self._vote(session, "ab"[turn // size % 2], voter))
                stranger.cookies.clear()
                self.ballots.append(self._vote(stranger, "ab"[turn % 2]))
                turn += 1
        except BaseException as problem:  # noqa: BLE001 - raised again where the crowd is joined
            self._problems.append(problem)

    def _register(self) -> tuple[requests.Session, str]:
        session = trusting_session(self.authority)
        session.get(self.url, timeout=REQUEST_TIMEOUT_SECONDS).raise_for_status()
        return session, identity(session)

    def _vote(self, session: requests.Session, choice: str, voter: str = "") -> Ballot:
        """Vote once; a stranger's identity is what the answer says, and nobody's without an answer."""
        sent, problem = time.monotonic(), ""
        try:
            answer = session.post(self.url, data={"vote": choice}, timeout=REQUEST_TIMEOUT_SECONDS)
            problem = "" if answer.status_code == requests.codes.ok else f"HTTP {answer.status_code}"
        except requests.RequestException as error:
            problem = type(error).__name__
        voter = voter or (f"nobody at {sent}" if problem else identity(session))
        return Ballot(voter, choice, sent, time.monotonic(), not problem, problem)


def identity(session: requests.Session) -> str:
    """Return the voter's id, the part of the cookie before its signature."""
    return session.cookies["voter_id"].split(".")[0]
