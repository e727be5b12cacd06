"""Which poll the numbers are of, and whether they can still change."""

from __future__ import annotations

from typing import NamedTuple

OPEN = "open"

COLUMNS = """
SELECT poll.number, state, extract(epoch FROM closes)::float, last.number, last.document, last.checksum,
    {paused}
FROM poll LEFT JOIN (SELECT * FROM archives ORDER BY number DESC LIMIT 1) AS last ON true
"""
# What workers have said no more for ten seconds, while they go on with the pulse, is not true any more.
PAUSED = """EXISTS (
    SELECT FROM intake, pulse WHERE word = 'maintenance' AND intake.at > pulse.at - interval '10 seconds'
)"""
QUERY = COLUMNS.format(paused="false")
WITH_INTAKE = COLUMNS.format(paused=PAUSED)


class Archive(NamedTuple):
    """The numbers of a poll that is over, as a JSON text with the SHA-256 of its bytes."""

    number: int
    document: str
    checksum: str


class Poll(NamedTuple):
    """A poll: open, closed, final or archived; when it closes, in seconds since 1970; the last archive."""

    number: int = 1
    state: str = OPEN
    closes: float | None = None
    archive: Archive | None = None
    paused: bool = False
    """Whether no votes are taken for now, because of maintenance."""

    @property
    def checksum(self) -> str:
        """The checksum of its own archive; empty while it has none."""
        return self.archive.checksum if self.archive and self.archive.number == self.number else ""

    def told(self) -> dict[str, object]:
        """Return what viewers are told; the time to close in milliseconds, 0 for none."""
        closes = round(1000 * self.closes) if self.closes else 0
        said = {"number": self.number, "state": self.state, "closes": closes, "checksum": self.checksum}
        return {**said, "paused": self.paused}


FIRST = Poll()
"""What there is before a worker of a release that knows several has run."""


def read_poll(row: tuple[int, str, float | None, int | None, str | None, str | None, bool]) -> Poll:
    """Read a row of QUERY."""
    number, state, closes, archived, document, checksum, paused = row
    archive = Archive(archived, document or "", checksum or "") if archived is not None else None
    return Poll(number, state, closes, archive, paused)
