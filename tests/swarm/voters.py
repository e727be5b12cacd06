"""Voters who vote through every edge, change their minds, and remember what they were told."""

import asyncio
import itertools
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self

from kit.waiting import wait_until
from swarm.edges import Answer, Browser, NoEdgeError, Site, StaleConnectionError
from swarm.ledger import NOBODY, Ballot

REQUEST_SECONDS = 15.0
START_SECONDS = 60.0
TRY_AGAIN_SECONDS = 1.0
ACKNOWLEDGED_WITHIN_SECONDS = 60.0
# A leaver's page and both votes, one after the other, with the time to look for an edge.
LANDED_WITHIN_SECONDS = 4 * REQUEST_SECONDS
SECOND_THOUGHT_SECONDS = (0.05, 3.0)
SENT_AGAIN = "no answer on a kept connection"


class Registered:
    """A voter with a cookie and a page, who votes for the other option each time."""

    def __init__(self, browser: Browser, page: Answer) -> None:
        self.browser = browser
        self.choices = itertools.cycle(random.choice(("ab", "ba")))
        self.show(page)

    def show(self, page: Answer) -> None:
        """Have a new page on the screen."""
        self.cookie, self.served, self._shown = page.cookie, page.served, time.monotonic()
        # A release that knew but one poll has no such field.
        self._poll = "" if page.poll is None else f"&poll={page.poll}"

    def form(self, choice: str) -> bytes:
        """Return what the page sends, and its script: so long after it arrived."""
        after = round(1000 * (time.monotonic() - self._shown))
        return f"served={self.served}&after={after}{self._poll}&vote={choice}".encode()


class Voters:
    """A crowd that votes at a steady rate, whatever becomes of its votes; a context manager.

    Half of the votes come from strangers, who vote once, over a connection of their own and without a
    cookie, as `curl` does: each acknowledged one must have its row, so that whatever is lost at any moment
    shows. A quarter come from regulars, who
    change their mind every time, and a quarter from leavers, who change it once, soon, also while the first
    vote is unanswered, and never come again: an older vote that overwrites a newer one shows, and stays.
    """

    def __init__(self, site: Site, *, regulars: int = 120, per_second: int) -> None:
        self.ballots: list[Ballot] = []
        self.acknowledged = 0
        self._site = site
        self._size = regulars
        self._interval = 2 / per_second
        self._turns = itertools.count()
        # A leaver votes twice, and takes two turns for it.
        self._known = itertools.cycle((self._regular, self._leaver, self._regular, None))
        self._idle: deque[Registered] = deque()
        self._kept: deque[Browser] = deque()  # connections that voters take over from each other
        self._settled: set[Browser] = set()  # those that began at an edge of their own since the last pause
        self._flying: set[asyncio.Task[None]] = set()
        self._going, self._ending, self._ready = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._problem: BaseException | None = None
        self._obstacle: Exception | None = None  # why a voter did not get the page

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            wait_until(self._ready.is_set, START_SECONDS, self._describe)
        except AssertionError:
            self._ending.set()  # nobody leaves what was not entered
            raise
        self._complain()
        return self

    def _describe(self) -> str:
        return f"only {len(self._idle)} voters are ready: {self._obstacle!r}"

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._complain()

    def go(self) -> None:
        """Begin to vote, or go on, spread evenly over all edges again."""
        self._settled.clear()
        self._going.set()

    def pause(self) -> None:
        """Stop voting, and wait until every vote that was sent has been answered or given up."""
        self._going.clear()
        wait_until(lambda: not self._flying, LANDED_WITHIN_SECONDS, lambda: f"{len(self._flying)} in flight")
        self._complain()

    def wait_for_votes(self, count: int) -> None:
        """Wait until so many more votes were acknowledged."""
        wanted = self.acknowledged + count
        wait_until(
            lambda: self._problem is not None or self.acknowledged >= wanted,
            ACKNOWLEDGED_WITHIN_SECONDS,
            lambda: f"{len(self.ballots)} votes sent, the last: {self.ballots[-1:]}",
        )
        self._complain()

    def _complain(self) -> None:
        if self._problem:
            raise self._problem

    def _run(self) -> None:
        try:
            asyncio.run(self._crowd())
        except BaseException as problem:  # noqa: BLE001 - raised again where the crowd is waited for
            self._problem = problem
        finally:
            self._ready.set()

    async def _crowd(self) -> None:
        await self._gather()
        due = time.monotonic()
        while not self._ending.is_set():
            due = max(due + self._interval, time.monotonic() - 1)
            await asyncio.sleep(due - time.monotonic())
            if self._going.is_set():
                self._send(self._stranger)
                if voter := next(self._known):
                    self._send(voter)
        await asyncio.gather(*self._flying)

    async def _gather(self) -> None:
        """Have everybody open the page; who does not get it on a busy machine tries again."""
        while len(self._idle) < self._size and not self._ending.is_set():
            try:
                self._idle.append(await register(Browser(self._site, next(self._turns))))
            except ssl.SSLCertVerificationError:
                raise
            except (NoEdgeError, OSError, EOFError) as error:
                self._obstacle = error
                await asyncio.sleep(TRY_AGAIN_SECONDS)
        self._ready.set()

    def _send(self, voter: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.create_task(voter())
        self._flying.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        if error := task.exception():
            self._problem = error

    async def _regular(self) -> None:
        if self._idle:
            regular = self._idle.popleft()
            await self._vote(regular.browser, next(regular.choices), regular)
            self._idle.append(regular)

    async def _stranger(self) -> None:
        browser = Browser(self._site, next(self._turns))
        await self._vote(browser, random.choice("ab"))
        browser.close()

    async def _leaver(self) -> None:
        with self._borrowed() as one, self._borrowed() as other:
            self._spread_out(one)
            sent = time.monotonic()
            try:
                leaver = await register(one)
            except (NoEdgeError, OSError, EOFError) as error:
                self.ballots.append(no_page(sent, one.edge, error))
                return
            async with asyncio.TaskGroup() as votes:
                votes.create_task(self._vote(one, next(leaver.choices), leaver))
                await asyncio.sleep(random.uniform(*SECOND_THOUGHT_SECONDS))
                votes.create_task(self._vote(other, next(leaver.choices), leaver))

    @contextmanager
    def _borrowed(self) -> Iterator[Browser]:
        browser = self._kept.popleft() if self._kept else Browser(self._site, 0)
        yield browser
        self._kept.append(browser)

    async def _vote(self, browser: Browser, choice: str, voter: Registered | None = None) -> None:
        if voter:
            self._spread_out(browser)
        ballots = await cast(browser, choice, voter)
        self.ballots += ballots
        self.acknowledged += ballots[-1].acknowledged

    def _spread_out(self, browser: Browser) -> None:
        if browser not in self._settled:
            self._settled.add(browser)
            browser.begin_at(next(self._turns))


async def register(browser: Browser) -> Registered:
    """Open the page without a cookie; raise NoEdgeError, OSError or EOFError if there is none."""
    try:
        page = await _ask(browser, "GET")
    except StaleConnectionError:
        page = await _ask(browser, "GET")
    if page.status != 200:
        raise OSError(f"HTTP {page.status}")
    return Registered(browser, page)


async def _ask(browser: Browser, method: str, cookie: str = "", form: bytes = b"") -> Answer:
    await browser.connect()
    async with asyncio.timeout(REQUEST_SECONDS):
        return await browser.request(method, cookie, form)


def no_page(sent: float, edge: str, error: Exception) -> Ballot:
    """Return what counts as a refused vote: that of somebody who never saw the page, and is nobody's."""
    problem = f"no page: {str(error) or type(error).__name__}"
    return Ballot(NOBODY, "", sent, time.monotonic(), False, problem, edge, stranger=False)


async def cast(browser: Browser, choice: str, known: Registered | None = None) -> list[Ballot]:
    """Vote, and vote again as browsers do if a kept connection ended without an answer; a ballot for each.

    What is sent is the same, so both count from the moment of the choice. Only who has a cookie sends
    again: without one it would be a second voter's vote.
    """
    cookie, form = (known.cookie, known.form(choice)) if known else ("", f"vote={choice}".encode())
    sent, ballots = time.monotonic(), list[Ballot]()
    while not ballots or ballots[-1].again:
        answer, problem = await post(browser, cookie, form)
        acknowledged, again = not problem, bool(cookie) and problem == SENT_AGAIN
        voter = identity(cookie or answer.cookie) if cookie or acknowledged else f"nobody at {sent}"
        ballots.append(Ballot(
            voter, choice, sent, time.monotonic(), acknowledged, problem, browser.edge, stranger=not cookie,
            version=version(answer.cookie) if acknowledged else 0, again=again,
        ))  # fmt: skip
    if known and acknowledged:
        known.show(answer)
    return ballots


async def post(browser: Browser, cookie: str, form: bytes) -> tuple[Answer, str]:
    """Send a form; return the answer, and why that is no acknowledgement if it is none."""
    try:
        answer = await _ask(browser, "POST", cookie, form)
    except NoEdgeError:
        return Answer(0, ""), "no edge"
    except StaleConnectionError:
        return Answer(0, ""), SENT_AGAIN
    except (OSError, EOFError) as error:
        return Answer(0, ""), type(error).__name__
    by = "the service" if answer.honest else "the edge"
    return answer, "" if answer.status == 200 else f"HTTP {answer.status} from {by}"


def identity(cookie: str) -> str:
    """Return the voter's id, the part of the cookie before its signature."""
    return cookie.partition("=")[2].split(".")[0]


def version(cookie: str) -> int:
    """Return the version of the last acknowledged vote, the part of the cookie after the voter's id."""
    return int(cookie.split(".")[1])
