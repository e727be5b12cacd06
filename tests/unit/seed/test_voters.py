"""Only what the voter was told counts, whatever becomes of connections and answers."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kit.waiting import wait_until
from seed import ballots, voters
from seed.door import Door
from seed.voters import Count, Voters

HANGS_UP = 0
COOKIE = "voter_id=v1.sig"


class Page(ThreadingHTTPServer):
    """A vote page that answers each vote as it is told, the last answer for ever."""

    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers: list[int] = [200]
        self.cookie = False
        self.came: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.open = threading.Event()
        self.open.set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def next(self) -> int:
        with self.lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Answer(BaseHTTPRequestHandler):
    server: Page

    def do_POST(self) -> None:
        page, form = self.server, self.rfile.read(int(self.headers["Content-Length"])).decode()
        with page.lock:
            page.came.append((form, self.headers.get("Cookie", "")))
            page.at_once += 1
            page.most_at_once = max(page.most_at_once, page.at_once)
        page.open.wait(10)
        with page.lock:
            page.at_once -= 1
        if status := page.next():
            self.send_response(status)
            self.send_header("Retry-After", "1")
            if page.cookie and status == 503:
                self.send_header("Set-Cookie", f"{COOKIE}; Path=/; HttpOnly")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.open.set()
        made.shutdown()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballots, "LEAST_SECONDS", 0.01)
    monkeypatch.setattr(ballots, "pause", lambda _: 0.01)


def cast(page: Page, choices: str, rate: float | None = None) -> Count:
    return Voters(Door(page.url), choices, rate).run(lambda _: None)


def test_each_vote_is_a_new_voters(page: Page) -> None:
    count = cast(page, "aab" * 20)
    assert count.acknowledged == {"a": 40, "b": 20}
    assert sorted(page.came) == [("vote=a", "")] * 40 + [("vote=b", "")] * 20
    assert (count.unknown.total(), count.put_off, count.problem) == (0, 0, "")


def test_many_vote_at_once(page: Page) -> None:
    def let_go() -> None:
        wait_until(lambda: page.at_once == voters.AT_ONCE)
        page.open.set()

    page.open.clear()
    threading.Thread(target=let_go).start()
    assert cast(page, "a" * 100).acknowledged == {"a": 100}
    assert page.most_at_once == voters.AT_ONCE


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_put_off_is_sent_again_and_counted_once(page: Page, status: int) -> None:
    page.answers = [status, status, 200]
    count = cast(page, "a")
    assert count.acknowledged == {"a": 1}
    assert count.put_off == 2
    assert len(page.came) == 3


@pytest.mark.parametrize("answer", [HANGS_UP, 502, 504])
def test_what_nobody_answered_is_not_known_and_not_sent_again(page: Page, answer: int) -> None:
    page.answers = [answer, 200]
    count = cast(page, "a")
    assert count.unknown == {"a": 1}
    assert count.acknowledged.total() == 0
    assert len(page.came) == 1


def test_whoever_got_a_cookie_with_a_refusal_comes_again_as_the_same_voter(page: Page) -> None:
    page.answers, page.cookie = [503, HANGS_UP, 502, 200], True
    count = cast(page, "a")
    assert count.acknowledged == {"a": 1}
    assert count.unknown.total() == 0
    assert [cookie for _, cookie in page.came] == ["", COOKIE, COOKIE, COOKIE]


def test_a_closed_poll_ends_it(page: Page) -> None:
    page.answers = [200] * 20 + [403]
    count = cast(page, "a" * 5000)
    assert count.acknowledged == {"a": 20}
    assert count.problem == "the vote page answers 403"
    assert len(page.came) <= 20 + voters.AT_ONCE


def test_a_page_that_takes_nothing_is_given_up(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voters, "PATIENCE_SECONDS", 0.3)
    page.answers = [503]
    count = cast(page, "a" * 100)
    assert count.acknowledged.total() == 0
    assert count.problem == "no vote was taken for 0 s, the vote page answers 503"


def test_votes_that_nobody_answers_are_not_wasted_without_end(page: Page) -> None:
    page.answers = [200] * 20 + [502]
    count = cast(page, "a" * 5000)
    assert count.acknowledged == {"a": 20}
    # Those that come while an answer of before is still counted are not in the row.
    assert count.unknown.total() < 5 * voters.MOST_UNANSWERED
    assert count.problem.endswith("votes one after another got no answer, the vote page answers 502")


def test_a_vote_that_may_be_in_the_queue_when_it_is_given_up_is_not_known(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voters, "PATIENCE_SECONDS", 0.3)
    page.answers, page.cookie = [503], True
    assert cast(page, "a").unknown == {"a": 1}


def test_nothing_is_sent_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voters, "PATIENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    count = Voters(Door(f"http://127.0.0.1:{port}/"), "a").run(lambda _: None)
    assert (count.acknowledged.total(), count.unknown.total()) == (0, 0)
    assert "refused" in count.problem


def test_a_rate_is_kept(page: Page) -> None:
    began = time.monotonic()
    assert cast(page, "a" * 11, rate=50).acknowledged == {"a": 11}
    assert time.monotonic() - began >= 0.2


def test_an_interrupt_waits_for_answers_and_counts_what_was_acknowledged(page: Page) -> None:
    def interrupt() -> None:
        wait_until(lambda: page.at_once == voters.AT_ONCE)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        wait_until(made._over.is_set)
        page.open.set()

    page.open.clear()
    made = Voters(Door(page.url), "a" * 5000)
    threading.Thread(target=interrupt).start()
    count = made.run(lambda _: None)
    assert count.interrupted
    assert count.acknowledged == {"a": len(page.came)} == {"a": voters.AT_ONCE}


class Turnstile(threading.Event):
    """Lets one vote through each time it is set."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = threading.Semaphore(0)

    def set(self) -> None:
        self._turns.release()

    def wait(self, timeout: float | None = None) -> bool:
        return self._turns.acquire(timeout=timeout)


def test_how_many_are_acknowledged_is_told_in_the_meantime(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voters, "TELL_SECONDS", 0.01)
    page.open = Turnstile()
    told: list[int] = []

    def tell(acknowledged: int) -> None:
        if acknowledged not in told:
            page.open.set()
        told.append(acknowledged)

    Voters(Door(page.url), "a" * 5).run(tell)
    assert told == sorted(told)
    assert set(told) >= {0, 1, 2, 3, 4}
