"""What the voters of the stack's tests were told."""

from dataclasses import replace

from swarm.electorate import NOT_SENT, longest_silence, refused
from swarm.ledger import NOBODY, Ballot

TAKEN = Ballot("ann", "a", sent=1.0, answered=1.0, acknowledged=True)
REFUSED = Ballot("bob", "a", sent=2.0, answered=12.0, acknowledged=False, problem="HTTP 503 from the service")


def test_what_was_never_sent_was_not_refused() -> None:
    others = [
        replace(REFUSED, problem=NOT_SENT),
        replace(REFUSED, voter=NOBODY),
        replace(REFUSED, again=True),
    ]
    assert refused([TAKEN, REFUSED, *others]) == [REFUSED.problem]


def test_how_long_no_vote_was_acknowledged() -> None:
    assert longest_silence([]) == 0.0
    assert (
        longest_silence([replace(TAKEN, answered=9.0), REFUSED, TAKEN, replace(TAKEN, answered=2.5)]) == 6.5
    )
