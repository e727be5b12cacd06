"""One who votes at the stack that is up here, keeps the cookie, and reads the result."""

from collections import Counter

from deployment.operations.votes import seed
from kit.local import LocalStack
from kit.waiting import wait_until
from seed.door import Answer, Door

STORED_SECONDS = 60


def door(local: LocalStack) -> Door:
    way = seed.entrance(local.client)
    assert way
    return seed.doors(way, seed.edge(local.client, way))[0]


def vote(local: LocalStack, choice: str, cookie: str = "") -> str:
    """Vote, and return the voter's cookie."""
    answer = door(local).post(f"vote={choice}", cookie)
    assert answer.status == 200, answer
    return voter(answer)


def voter(answer: Answer) -> str:
    return next(cookie for cookie in answer.cookies if cookie.startswith("voter_id="))


def identity(cookie: str) -> str:
    """Return who the voter is, without the signature."""
    return cookie.partition("=")[2].partition(".")[0]


def tally(local: LocalStack) -> Counter[str]:
    return Counter(local.status()["votes"]["tally"])


def wait_for(local: LocalStack, expected: Counter[str]) -> None:
    wait_until(lambda: tally(local) == expected, STORED_SECONDS, lambda: f"{tally(local)}, not {expected}")
