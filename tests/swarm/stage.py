"""One fault under load, from full strength to full strength, and judged."""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from deployment.plan.cluster import accounting
from deployment.plan.cluster.picture import Accounts, Picture
from kit.waiting import wait_until
from swarm import evidence, results
from swarm.audience import Audience
from swarm.cluster import STEADY_SECONDS, UNREACHABLE, Cluster
from swarm.faults.fault import Fault, Scene
from swarm.ledger import Ballot, Ledger, Verdict
from swarm.outcome import Costs, Limits, Outcome, Window, measure
from swarm.voters import Voters

WARM_UP_VOTES = 60
SERVED_SECONDS = 120
BEFORE_SECONDS = 240
# An observer judges the votes of a process that was killed when it has been silent for two minutes.
ACCOUNTED_SECONDS = 300
SESSION = "all faults of a session, judged again"
UNJUDGED = Verdict(acknowledged=0, lost=(), stale=(), miscounted={})
# What a stack that is not as it must be may raise; everything else is a mistake of this suite.
TROUBLE = (AssertionError, LookupError, StopIteration, subprocess.CalledProcessError, *UNREACHABLE)


def accounted(picture: Picture) -> bool:
    """Say whether every vote is accounted for; a release that keeps no accounts need not."""
    found = picture.accounts
    if found is None:
        return picture.at is not None and not picture.keeps_accounts
    return found.lost is not None and not found.settling


@dataclass(repr=False)
class Stage:
    """The stack, the voters and viewers, the ledger of the session, and where to say how it goes."""

    cluster: Cluster
    voters: Voters
    audience: Audience
    ledger: Ledger
    machine: str
    source: str
    say: Callable[[str], None]
    keep: Callable[[Outcome], None]
    slack: float
    outcomes: list[Outcome] = field(default_factory=list)

    def served_since(self, moment: float) -> bool:
        """Whether since then a vote was acknowledged and every viewer saw the total move."""
        ballots = self.voters.ballots
        newest = (b for b in reversed(ballots[-500:]) if b.acknowledged)
        return any(b.sent > moment for b in newest) and self.audience.moved_since(moment)

    def run(self, fault: Fault) -> list[str]:
        """Run a fault once; return a sentence for each thing that was not as it must be."""
        self._wait_whole()
        self.voters.go()
        self.voters.wait_for_votes(WARM_UP_VOTES)
        scene = Scene(self.cluster, self, ExitStack())
        window, problems = self._watch(fault, scene)
        ballots = self._settle(problems)
        verdict = self._try_to_judge(ballots, problems)
        moves = [viewer.moves for viewer in self.audience.viewers]
        costs = measure(ballots, moves, verdict or UNJUDGED, window, frozenset(scene.edges))
        problems += costs.excess(fault.limits.stretched(self.slack))
        self._report(fault.name, costs, problems)
        if problems:
            self._explain(scene, ballots, verdict or UNJUDGED)
        else:
            self._say_each(evidence.refused(ballots, scene.struck))
        return problems

    def _wait_whole(self) -> None:
        """Wait for full strength; a run that went well has ended with a look that lasted."""
        went_well = any(outcome.passed for outcome in self.outcomes[-1:])
        self.cluster.wait_healthy(BEFORE_SECONDS, steady=0 if went_well else STEADY_SECONDS)

    def recovers(self) -> bool:
        """Whether the stack comes back to full strength, if late."""
        try:
            self.cluster.wait_healthy(BEFORE_SECONDS)
        except AssertionError:
            return False
        return True

    def judge_all(self) -> list[str]:
        """Judge every ballot of the session, at its end; a row of its own tells of what was lost since."""
        problems: list[str] = []
        self._settle(problems)
        verdict = self._judge(self.ledger.ballots)
        try:
            wait_until(self._accounted, ACCOUNTED_SECONDS, lambda: f"not accounted: {self._account()}")
            problems += self._lost()
        except TROUBLE as error:
            problems.append(f"{type(error).__name__}: {error}")
        self.say(f"all {verdict.acknowledged} acknowledged votes of this session: {verdict.summary()}")
        costs = Costs(verdict.acknowledged, verdict.losses, verdict.doubled, 0, 0, 0, 0, 0)
        problems += costs.excess(Limits())
        if problems:
            self._report(SESSION, costs, problems)
        return problems

    def _watch(self, fault: Fault, scene: Scene) -> tuple[Window, list[str]]:
        """Strike, heal, and wait until everything is as it was before."""
        problems = []
        try:
            with scene.heals:
                fault.strike(scene)
            whole = self.cluster.wait_healthy()
            wait_until(
                lambda: self.served_since(scene.over),
                SERVED_SECONDS,
                lambda: f"not served: {self.audience.describe()}",
            )
        except TROUBLE as error:
            problems.append(f"{type(error).__name__}: {error}")
            whole = time.monotonic()
        return Window(scene.struck, scene.over, scene.whole or whole, time.monotonic()), problems

    def _settle(self, problems: list[str]) -> Sequence[Ballot]:
        """Let all that was sent come to rest; return the ballots that are not judged yet."""
        try:
            self.voters.pause()
            self.cluster.drain()
        except TROUBLE as error:
            problems.append(f"{type(error).__name__}: {error}")
        return self.ledger.unjudged()

    def _try_to_judge(self, ballots: Sequence[Ballot], problems: list[str]) -> Verdict | None:
        """Judge, or leave these ballots to the next judgement if the database cannot be asked."""
        try:
            problems += self._lost()
            return self._judge(ballots)
        except TROUBLE as error:
            problems.append(f"not judged: {type(error).__name__}: {error}")
            return None

    def _lost(self) -> list[str]:
        """Say so where the stack itself knows of votes that are lost; it is asked once."""
        found = self._account()
        return [f"audit: {accounting.sentence(found)}"] if found and found.lost else []

    def _accounted(self) -> bool:
        """Whether the stack knows of each acknowledged vote what became of it."""
        return accounted(self.cluster.picture())

    def _account(self) -> Accounts | None:
        """Return what `audit` says, None where nobody can say."""
        return self.cluster.picture().accounts

    def _judge(self, ballots: Sequence[Ballot]) -> Verdict:
        promised = {ballot.voter for ballot in ballots if ballot.acknowledged}
        return self.ledger.close(ballots, self.cluster.stored(promised))

    def _report(self, name: str, costs: Costs, problems: Sequence[str]) -> None:
        outcome = results.outcome(name, costs, passed=not problems, machine=self.machine, source=self.source)
        self.outcomes.append(outcome)
        self.keep(outcome)
        self.say(evidence.line(outcome))
        for problem in problems:
            self.say(f"    {problem}")

    def _explain(self, scene: Scene, ballots: Sequence[Ballot], verdict: Verdict) -> None:
        """Say all that may help to understand what went wrong."""
        since = scene.struck
        notes = list(scene.timeline)
        acknowledged = [ballot.answered for ballot in ballots if ballot.acknowledged]
        notes += evidence.gaps(acknowledged, "no acknowledgement", since=since, longer_than=1)
        for number, viewer in enumerate(self.audience.viewers, 1):
            notes += evidence.gaps(
                viewer.moves, f"viewer {number} sees nothing new", since=since, longer_than=2
            )
        lines = evidence.timeline(sorted(notes), since) + evidence.refused(ballots, since)
        lines += evidence.broken(verdict, ballots, since)
        lines += [self.cluster.describe(), *evidence.logs(self.cluster, since)]
        self._say_each(lines)

    def _say_each(self, lines: Sequence[str]) -> None:
        if lines:
            self.say("\n".join(f"    {line}" for line in lines))
