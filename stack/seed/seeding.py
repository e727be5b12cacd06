"""A seeding, from its first vote to the tally that has them all."""

from collections.abc import Callable

from seed import ballots, tally
from seed.door import Door
from seed.errors import SeedError
from seed.report import Report, bar
from seed.voters import Voters


def run(vote: Door, result: Door, votes: int, rate: float | None, show: Callable[[str], None]) -> Report:
    """Bring the votes, wait until the tally has what was acknowledged, and show how far it is.

    Raises SeedError where it cannot begin.
    """
    before = tally.live(result)
    _require_open(vote)
    voters = Voters(vote, ballots.choices(list(before.names), votes), rate)
    count = voters.run(lambda acknowledged: show(bar(acknowledged, votes)))
    try:
        seconds = 0.0 if count.interrupted else tally.ARRIVAL_SECONDS
        now = tally.arrived(result, count.acknowledged, before, seconds, show)
    except KeyboardInterrupt:
        count.interrupted, now = True, before
    return Report(votes, count, before, now)


def _require_open(vote: Door) -> None:
    answer = vote.look("readyz")
    if answer.status != 200:
        raise SeedError(f"{vote.url} takes no votes now: /readyz answers {answer.status}")
