"""The tally as the result page shows it to everybody."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seed.door import Door
from seed.errors import SeedError

WAITING = "waiting"
LIVE_SECONDS = 30.0
# How long nothing more has come when it is called missing.
ARRIVAL_SECONDS = 60.0
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Tally:
    """Votes by option, and the options' names, in the page's order; not `live` while more may be stored."""

    votes: Mapping[str, int]
    names: Mapping[str, str]
    live: bool


def parse(text: bytes) -> Tally:
    """Read what the result page tells programs."""
    found = json.loads(text)
    options = found["options"]
    return Tally(
        {option["key"]: option["votes"] for option in options},
        {option["key"]: option["name"] for option in options},
        found["state"] != WAITING,
    )


def missing(acknowledged: Mapping[str, int], before: Tally, now: Tally) -> dict[str, int]:
    """Return how many votes each option lacks of those that were acknowledged since `before`."""
    lacking = {
        key: before.votes[key] + number - now.votes.get(key, 0) for key, number in acknowledged.items()
    }
    return {key: number for key, number in lacking.items() if number > 0}


def lack(acknowledged: Mapping[str, int], before: Tally, now: Tally) -> int:
    """Return how many votes are missing in all."""
    return sum(missing(acknowledged, before, now).values())


def read(result: Door) -> Tally:
    """Return what the page shows now; raise SeedError if it shows nothing."""
    answer = result.look("results.json")
    if answer.status != 200:
        raise SeedError(f"{result.url}results.json answers {answer.status}")
    return parse(answer.body)


def live(result: Door) -> Tally:
    """Return the tally once it follows the votes; raise SeedError if it does not."""
    deadline = time.monotonic() + LIVE_SECONDS
    while not (found := read(result)).live:
        if time.monotonic() > deadline:
            raise SeedError(f"{result.url} says that votes wait to be stored")
        time.sleep(POLL_SECONDS)
    return found


def arrived(
    result: Door,
    acknowledged: Mapping[str, int],
    before: Tally,
    patience: float,
    show: Callable[[str], None],
) -> Tally:
    """Return the tally once it has all that was acknowledged, or nothing more came for `patience` seconds.

    Of two replicas, one may stand still: what lacked least counts.
    """
    best, deadline = _read_if_there(result, before), time.monotonic() + patience
    while (lacking := lack(acknowledged, before, best)) and time.monotonic() < deadline:
        show(f"acknowledged and still on their way: {lacking:,}")
        time.sleep(POLL_SECONDS)
        found = _read_if_there(result, best)
        if lack(acknowledged, before, found) < lacking:
            best, deadline = found, time.monotonic() + patience
    return best


def _read_if_there(result: Door, last: Tally) -> Tally:
    try:
        return read(result)
    except SeedError:
        return last
