"""What an observer sees of both clusters, the queue and the votes; it writes this as JSON, every second."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

# The container's own clock judges the picture's age, not that of the machine that asks.
OLDEST_SECONDS = 5
# What a part answered may be older than the picture by so much.
ANSWER_SECONDS = 3
# Of the queue's intake: votes are taken, or are not until a change of release or an operator's work is over.
OPEN, DRAINING, MAINTENANCE = "open", "draining", "maintenance"

# Of a poll that is closed: all its votes are stored; its numbers are kept for good.
FINAL, ARCHIVED = "final", "archived"

Lag = Mapping[str, int | None]
"""By follower, the bytes that the primary has written and it has not; None or nothing where nobody says."""


@dataclass(frozen=True)
class Postgres:
    """The PostgreSQL cluster: who has the votes, and who follows."""

    primary: str | None = None
    standbys: tuple[str, ...] = ()
    synchronous: bool = False
    # Whether the accounts have today's passwords; an observer of a release before this one does not ask.
    established: bool = True
    damaged: tuple[str, ...] = ()  # an observer of a release before this one knows none
    lag_bytes: Lag = field(default_factory=dict)

    @property
    def followers(self) -> tuple[str, ...]:
        """Those that copy from the primary."""
        return self.standbys


@dataclass(frozen=True)
class Redis:
    """The Redis cluster: who has the queue, and who follows."""

    primary: str | None = None
    replicas: tuple[str, ...] = ()
    lag_bytes: Lag = field(default_factory=dict)
    written: int | None = None  # bytes, by the primary; an observer of a release before this one says nothing

    @property
    def followers(self) -> tuple[str, ...]:
        """Those that copy from the primary."""
        return self.replicas


@dataclass(frozen=True)
class Queue:
    """Entries that wait to be stored, letters that could not be, and for how long the first one waits."""

    pending: int | None = None
    dead: int | None = None
    oldest: str | None = None
    waiting_seconds: float = 0.0
    intake: str | None = None  # whether votes are taken: open, or why not


@dataclass(frozen=True)
class Pulse:
    """How many seconds ago a worker was last able to commit; None if none ever was."""

    age: float | None = None


@dataclass(frozen=True)
class Votes:
    """Votes in the database, and how many each option has, by key."""

    stored: int | None = None
    tally: Mapping[str, int] | None = None
    pulse: Pulse | None = None  # an observer of a release before this one does not look


@dataclass(frozen=True)
class Poll:
    """The poll that there is: open, closed, final or archived; times are ISO 8601."""

    number: int = 1
    state: str = "open"
    closes: str | None = None
    closed: str | None = None
    told: bool = False  # whether the primary of the queue, which decides, knows all this
    over: bool | None = None  # whether it takes no more votes for this poll


@dataclass(frozen=True)
class Certificates:
    """The one certificate that the edges show, and what is known of the next; times are ISO 8601.

    Without one for these names the times of its life are None.
    """

    names: tuple[str, ...] = ()
    issuer: str = ""  # local, or the address of an ACME directory
    not_before: str | None = None
    not_after: str | None = None
    renew_at: str | None = None
    problem: str = ""  # the last error, if it still is one
    warning: str = ""
    next_try: str | None = None
    caa: str = ""  # the record that lets nobody else get certificates for these names


@dataclass(frozen=True)
class Account:
    """What became of the votes that one process of vote has acknowledged; `told` is when it last said so."""

    process: str
    acknowledged: int = 0
    stored: int = 0
    queued: int = 0
    settling: int = 0  # not in the queue any more, and may still come again
    dead: int = 0
    lost: int = 0
    numbers: tuple[tuple[int, int], ...] = ()  # those that are lost, the first and the last of each range
    unknown: int = 0
    unjudged: int = 0  # of the unknown
    told: str | None = None
    ended: bool = False  # whether that was its last word
    silent: bool = False  # whether it should have told more by now, or have said its last word


@dataclass(frozen=True)
class Accounts:
    """The same of all processes, of which some are named; `lost` is None until that is known."""

    acknowledged: int = 0
    stored: int = 0
    queued: int = 0
    settling: int = 0
    dead: int = 0
    lost: int | None = None
    unknown: int = 0
    unjudged: int = (
        0  # of the unknown, those that may be stored: at that time votes were stored without numbers
    )
    silent: int = 0  # processes that fell silent without a last word
    uncounted: str | None = None  # when votes were last stored without numbers
    judged: bool = False  # whether all that was missing when the observer began is stored by now, or is lost
    processes: tuple[Account, ...] = ()
    entries: int = 0  # of the queue: what they hold may be acknowledged, and not told yet


@dataclass(frozen=True)
class Backups:
    """How the primary's WAL is stored, and the last backup; times are ISO 8601.

    What nobody could say is None.
    """

    waiting: int | None = None  # files of WAL
    oldest_seconds: float | None = None  # that the first of them has waited
    wal_bytes: int | None = None
    code: int | None = None  # what the archive command ended with last
    given_up: str | None = None  # when a node last gave up WAL that could not be stored
    label: str | None = None
    type: str | None = None
    stop: str | None = None
    count: int | None = None
    problem: str = ""  # what the store or the last try has, if it failed
    running: bool = False
    told: float | None = None  # how many seconds ago the runner said so
    drill: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Picture:
    """Everything at one moment, `at` seconds since 1970; None where nobody could be asked."""

    at: float | None = None
    postgres: Postgres = field(default_factory=Postgres)
    redis: Redis = field(default_factory=Redis)
    queue: Queue = field(default_factory=Queue)
    votes: Votes = field(default_factory=Votes)
    poll: Poll | None = None  # an observer of a release before this one knows none
    certificates: Certificates | None = None  # an observer of a release before this one knows none
    backups: Backups | None = None  # where there is no store
    accounts: Accounts | None = None
    keeps_accounts: bool = False  # an observer of a release before this one does not

    @property
    def clusters(self) -> dict[str, Postgres | Redis]:
        """Both clusters, by name."""
        return {"postgres": self.postgres, "redis": self.redis}

    @property
    def primaries(self) -> dict[str, str | None]:
        """The primary of each cluster, by the cluster's name; None where none is known."""
        return {name: cluster.primary for name, cluster in self.clusters.items()}

    @property
    def headless(self) -> list[str]:
        """Names of the clusters without a known primary."""
        return [name for name, primary in self.primaries.items() if not primary]


def minute(time: str) -> str:
    """Write a time of the picture for people."""
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M UTC")


UNKNOWN = Picture()
READER = TypeAdapter(Picture)


def parse(answer: bytes) -> Picture:
    """Read the container's time and its picture; one that is old, or cut short, says nothing of now."""
    now, _, text = answer.partition(b"\n")
    try:
        found = READER.validate_json(text)
    except ValidationError:
        return UNKNOWN
    return found if found.at is not None and int(now) - found.at <= OLDEST_SECONDS else UNKNOWN
