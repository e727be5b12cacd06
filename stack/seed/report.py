"""What a seeding says of itself."""

from dataclasses import dataclass

from seed import tally
from seed.tally import Tally
from seed.voters import Count

BAR_WIDTH = 24


@dataclass(frozen=True)
class Report:
    """What was wanted, what the voters were told, and the tally before and afterwards."""

    wanted: int
    count: Count
    before: Tally
    now: Tally

    @property
    def acknowledged(self) -> int:
        """Votes whose voters were told that they are recorded."""
        return self.count.acknowledged.total()

    @property
    def missing(self) -> dict[str, int]:
        """Votes that were acknowledged and are not in the tally, by option."""
        return tally.missing(self.count.acknowledged, self.before, self.now)

    @property
    def exit_code(self) -> int:
        """0 if every vote was acknowledged and is in the tally; 130 after an interrupt."""
        if self.count.interrupted:
            return 130
        return 0 if self.acknowledged == self.wanted and not self.missing else 1

    @property
    def outcome(self) -> str:
        """How it ended, in a few words."""
        how = {0: "done", 130: "interrupted"}.get(self.exit_code, "failed")
        return f"{how}: {self.acknowledged:,} of {self.wanted:,} votes acknowledged"

    def lines(self) -> list[str]:
        """Say what was acknowledged, what is stored, and what is not known."""
        return [
            f"{self.acknowledged:,} of {self.wanted:,} votes acknowledged in {self.count.seconds:.0f} s.",
            *(self._of_option(key, name) for key, name in self.before.names.items()),
            *self._troubles(),
        ]

    def _of_option(self, key: str, name: str) -> str:
        before, now = self.before.votes[key], self.now.votes.get(key, 0)
        return (
            f"  {name}: {self.count.acknowledged[key]:,} acknowledged, {before:,} stored before, {now:,} now"
        )

    def _troubles(self) -> list[str]:
        count, unknown, lacking = self.count, self.count.unknown.total(), self.missing
        names = ", ".join(f"{self.before.names[key]} {number:,}" for key, number in lacking.items())
        put_off = f"{count.put_off:,} times a vote was not taken at once, and was sent again."
        unanswered = (
            f"{unknown:,} votes got no answer. They may be recorded or not, so they were not sent again."
        )
        gone = f"Acknowledged, but not in the tally: {names}. (Others may have changed their votes.)"
        return [
            *([put_off] if count.put_off else []),
            *([unanswered] if unknown else []),
            *([f"Stopped: {count.problem}."] if count.problem else []),
            *(["Interrupted."] if count.interrupted else [gone] if lacking else []),
        ]


def bar(done: int, total: int) -> str:
    """Draw how far it is."""
    filled = BAR_WIDTH * done // total
    return f"{'━' * filled}{'─' * (BAR_WIDTH - filled)} {done:,} of {total:,}"
