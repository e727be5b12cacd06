"""The vote page as visitors reach it, through Traefik with the stack's own dynamic configuration."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from kit.containers import joined, own_network
from kit.edge import HOSTS, PORT, running_edge
from kit.images import reference
from kit.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

BURST = 4
REPLICAS = 60  # a voter a minute is let in by this one
SETTINGS = {
    "NEW_VOTERS_PER_SECOND": 1,
    "NEW_VOTERS_BURST": BURST * REPLICAS,
    "VOTE_REPLICAS": REPLICAS,
    # Any file that its user can read will do.
    "REDIS_TLS": "no",
    "REDIS_PASSWORD_FILE": "/etc/hostname",
    "COOKIE_KEY_FILE": "/etc/hostname",
}


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[str]:
    """Run one replica of `vote`, and Traefik before it; return the edge's address."""
    environment = [part for key, value in SETTINGS.items() for part in ("--env", f"{key}={value}")]
    replica = ("--network-alias", "vote", *environment, reference("vote"))
    with (
        own_network("test-vote") as name,
        joined(name, *replica),
        running_edge(name, tmp_path) as found,
    ):
        wait_until(lambda: answers(found))
        yield found


def answers(edge: str) -> bool:
    try:
        return ask(edge, "/healthz").ok
    except requests.ConnectionError:
        return False


def ask(edge: str, path: str, **headers: str) -> requests.Response:
    own = {"Host": HOSTS[0], **headers}
    return requests.get(
        f"https://{edge}:{PORT}{path}", headers=own, verify=False, timeout=10, allow_redirects=False
    )


def test_who_comes_too_often_without_a_cookie_is_told_so_by_the_page_itself(edge: str) -> None:
    """However many addresses the client claims, and whatever stands in the cookie's place."""
    answers = [
        ask(edge, "/", **{"X-Forwarded-For": f"192.0.2.{number}", "Cookie": f"voter_id=forged-{number}"})
        for number in range(3 * BURST)
    ]
    let_in = [answer for answer in answers if answer.status_code == 200]
    assert len(let_in) == BURST
    refused = answers[-1]
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert "Very many new voters" in refused.text
    voter = let_in[-1].headers["Set-Cookie"].partition(";")[0]
    assert [ask(edge, "/", Cookie=voter).status_code for _ in range(BURST)] == [200] * BURST


def test_redirects_stay_on_https(edge: str) -> None:
    answer = ask(edge, "/static/%2Fvote.js")
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://{HOSTS[0]}/static/vote.js"
