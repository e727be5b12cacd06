"""Strike with each fault while votes come in: none that was acknowledged may be lost or doubled."""

from swarm.faults.fault import Fault
from swarm.stage import Stage


def test_no_vote_is_lost_or_doubled(fault: Fault, stage: Stage) -> None:
    problems = stage.run(fault)
    assert not problems, "; ".join(problems)
