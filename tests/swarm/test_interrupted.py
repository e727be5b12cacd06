"""`up` can be stopped at any moment: the next one goes on from there."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from http.cookiejar import CookieJar
from typing import cast
from urllib.parse import urlsplit

import pytest
import requests

from deployment.configuration.layout import ROOT
from deployment.configuration.settings import load
from kit.local import LATE_ANSWER_SECONDS, LocalStack, deploy
from kit.waiting import wait_until

LONGEST_SECONDS = 45.0
ROUTED_SECONDS = 15
# What a page gives only where the edge knows of its replicas, and of its path.
COOKIES = {"vote": "voter_id", "result": "result_replica"}
# Both pages have something to do; sometimes the edge, too, which leads to them in another way, or Redis;
# sometimes the queue changes its connections.
SETTINGS = (
    {"VOTE_TITLE": "One", "ROUTING": "path"},
    {"VOTE_TITLE": "Two", "REDIS_MAXMEMORY": "254mb"},
    {"REDIS_TLS": "yes"},
    {"REDIS_TLS": "no"},
)
SIGNALS = (signal.SIGKILL, signal.SIGINT)


@pytest.fixture(scope="module")
def local(borrowed: LocalStack) -> LocalStack:
    """The stack that is up here, with whatever settings the tests before have given it."""
    return borrowed


def cookies_of(urls: Mapping[str, str]) -> dict[str, str]:
    """Return the cookies that the pages give to a visitor, each with its path."""
    found: dict[str, str] = {}
    for url in map(urlsplit, urls.values()):
        here = url._replace(netloc=f"127.0.0.1:{url.port or 443}").geturl()
        try:
            answer = requests.get(here, headers={"Host": url.netloc}, verify=False, timeout=5)
        except requests.RequestException:
            continue
        found |= {cookie.name: cookie.path for cookie in cast("CookieJar", answer.cookies)}
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Interrupt once in CI, and ten times with `--all-faults`."""
    if "turn" in metafunc.fixturenames:
        metafunc.parametrize("turn", range(10 if metafunc.config.getoption("all_faults") else 1))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_up_goes_on_after_an_interruption(local: LocalStack, turn: int) -> None:
    settings, stop = SETTINGS[turn % len(SETTINGS)], SIGNALS[turn // len(SETTINGS) % 2]
    seconds = random.uniform(0, LONGEST_SECONDS)
    print(f"{stop.name} after {seconds:.1f} s")
    command = [sys.executable, str(ROOT / "deploy.py"), "up", "--yes", "--quiet"]
    with subprocess.Popen(command, env={**os.environ, **settings}, stdin=subprocess.DEVNULL) as process:
        time.sleep(seconds)  # the moment is the case
        process.send_signal(stop)
        process.wait()
    again = deploy(**settings)
    assert again.returncode == 0, again.stderr
    now = local.wait_healthy(LATE_ANSWER_SECONDS)
    assert now["lock"] is None
    urls = load(routing=settings.get("ROUTING", "host")).urls
    assert now["urls"] == urls
    own = {COOKIES[page]: urlsplit(url).path.rstrip("/") or "/" for page, url in urls.items()}
    wait_until(lambda: cookies_of(urls) == own, ROUTED_SECONDS, lambda: str(cookies_of(urls)))
