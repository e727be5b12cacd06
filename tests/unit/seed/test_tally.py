"""What the result page says, and what is missing there."""

import json
from collections.abc import Callable
from itertools import chain, cycle, islice, repeat

import pytest

from seed import tally
from seed.door import Answer, Door, UnansweredError
from seed.errors import SeedError
from seed.tally import Tally

RESULT = Door("http://result:8080/")


def shown(a: int, b: int, state: str = "live") -> bytes:
    options = [{"key": "a", "name": "Cats", "votes": a}, {"key": "b", "name": "Dogs", "votes": b}]
    return json.dumps({"options": options, "state": state, "total": a + b}).encode()


def of(a: int, b: int) -> Tally:
    return tally.parse(shown(a, b))


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that says what the page answers, the last for ever; no time passes."""
    monkeypatch.setattr(tally, "POLL_SECONDS", 0)

    def answers(*those: bytes | int | Exception) -> None:
        left = list(those)

        def get(_: Door, path: str) -> Answer:
            assert path == "results.json"
            match left.pop(0) if len(left) > 1 else left[0]:
                case bytes(body):
                    return Answer(200, body=body)
                case int(status):
                    return Answer(status)
                case error:
                    raise error

        monkeypatch.setattr(Door, "get", get)

    return answers


def test_what_the_page_tells_programs_is_read() -> None:
    assert of(3, 0) == Tally({"a": 3, "b": 0}, {"a": "Cats", "b": "Dogs"}, live=True)
    assert not tally.parse(shown(3, 0, "waiting")).live


@pytest.mark.parametrize(
    ("acknowledged", "before", "now", "lacking"),
    [
        ({"a": 2, "b": 1}, of(5, 5), of(7, 6), {}),
        ({"a": 2, "b": 1}, of(5, 5), of(6, 6), {"a": 1}),
        ({"a": 2, "b": 1}, of(5, 5), of(9, 6), {}),  # others vote as well
        ({"a": 2, "b": 1}, of(5, 5), of(9, 5), {"b": 1}),
        ({"a": 2}, of(5, 5), of(0, 0), {"a": 7}),
        ({}, of(5, 5), of(0, 0), {}),
    ],
)
def test_what_was_acknowledged_must_be_there_of_each_option(
    acknowledged: dict[str, int], before: Tally, now: Tally, lacking: dict[str, int]
) -> None:
    assert tally.missing(acknowledged, before, now) == lacking


def test_numbers_that_wait_are_no_beginning(page: Callable[..., None]) -> None:
    page(shown(1, 0, "waiting"), shown(2, 0))
    assert tally.live(RESULT).votes["a"] == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (shown(1, 0, "waiting"), "says that votes wait to be stored"),
        (503, "results.json answers 503"),
        (UnansweredError("timed out"), "does not answer: timed out"),
    ],
)
def test_without_a_tally_there_is_no_beginning(
    page: Callable[..., None], monkeypatch: pytest.MonkeyPatch, answer: bytes | int | Exception, said: str
) -> None:
    monkeypatch.setattr(tally, "LIVE_SECONDS", 0.05)
    page(answer)
    with pytest.raises(SeedError, match=said):
        tally.live(RESULT)


def test_the_tally_is_waited_for_until_it_has_what_was_acknowledged(page: Callable[..., None]) -> None:
    told: list[str] = []
    page(shown(1, 0), 502, shown(1, 1), UnansweredError("timed out"), shown(3, 1), shown(9, 9))
    now = tally.arrived(RESULT, {"a": 2, "b": 1}, of(1, 0), 30, told.append)
    assert now.votes == {"a": 3, "b": 1}
    assert told[0].endswith("on their way: 3")
    assert told[-1].endswith("on their way: 2")


def test_what_never_comes_is_not_waited_for_without_end(page: Callable[..., None]) -> None:
    page(shown(1, 0), shown(2, 0))
    now = tally.arrived(RESULT, {"a": 2}, of(1, 0), 0.05, lambda _: None)
    assert tally.missing({"a": 2}, of(1, 0), now) == {"a": 1}


def test_a_replica_that_stands_still_does_not_prolong_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "POLL_SECONDS", 0)
    # More than any machine reads in that time.
    two = islice(cycle([Answer(200, body=shown(1, 0)), Answer(200, body=shown(2, 0))]), 100_000)
    told = chain(two, repeat(Answer(200, body=shown(9, 0))))
    monkeypatch.setattr(Door, "get", lambda *_: next(told))
    now = tally.arrived(RESULT, {"a": 8}, of(1, 0), 0.1, lambda _: None)
    assert now.votes["a"] == 2
