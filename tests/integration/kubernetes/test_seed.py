"""The seed's program against a page that confirms votes, or does not."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from kit.chart import pods, render


class Page(ThreadingHTTPServer):
    """Stands for the vote page: it is ready when it is asked for the second time."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = 0
        self.refused = 0
        self.votes: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        assert self.path == "http://vote:8080/readyz"
        self.server.asked += 1
        self.reply(200 if self.server.asked > 1 else 503)

    def do_POST(self) -> None:
        assert self.path == "http://vote:8080/"
        self.server.votes[self.rfile.read(int(self.headers["Content-Length"])).decode()] += 1
        self.reply(503 if self.server.votes.total() <= self.server.refused else 200)

    def reply(self, status: int) -> None:
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def seed(page: Page) -> subprocess.CompletedProcess[str]:
    """Run the program of the chart's job, which finds the page behind a proxy here."""
    rendered = pods(render("--set", "seed.enabled=true", "--set", "seed.votes=300"))
    (container,) = rendered["seed-1"]["containers"]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    return subprocess.run(
        [sys.executable, "-c", *container["args"]],
        env={
            **os.environ,
            **environment,
            "http_proxy": f"http://127.0.0.1:{page.server_port}",
            "no_proxy": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_of_three_votes_are_for_the_first_option(page: Page) -> None:
    seeded = seed(page)
    assert (seeded.returncode, seeded.stdout) == (0, "300 of 300 votes were confirmed\n")
    assert page.votes == {"vote=a": 200, "vote=b": 100}


def test_a_vote_that_was_not_confirmed_is_said_and_not_sent_again(page: Page) -> None:
    page.refused = 3
    seeded = seed(page)
    assert (seeded.returncode, seeded.stdout) == (1, "297 of 300 votes were confirmed\n")
    assert page.votes.total() == 300
