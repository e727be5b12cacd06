"""Bringing the votes of a moment back: which moment is meant, what is written aside, and what is said."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

LATEST = "latest"
REPLAY, SET_ASIDE = "replay", "set-aside"
_LABEL = re.compile(r"\d{8}-\d{6}F(_\d{8}-\d{6}[DI])?")


@dataclass(frozen=True)
class Restoration:
    """One that was begun: its name in the database, the moment as it was asked for, who began it, and when.

    `pause` is since when voting is paused for it. `paused` says whether an operator had paused it before;
    then it stays so. `file` is where later votes are written, as machine:path.
    """

    mark: str
    to: str
    by: str
    since: str
    pause: str = ""
    paused: bool = False
    file: str = ""


def target(text: str, now: datetime) -> str:
    """Return a moment as it is kept: a label, `latest`, or ISO 8601 with its offset; raise ValueError."""
    if text == LATEST or _LABEL.fullmatch(text):
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    # A date, or a label without its last part, is another moment than is meant.
    if found is None or ":" not in text:
        raise ValueError("say a moment such as 2026-11-29 15:00:00, the label of a backup, or latest")
    moment = found if found.tzinfo else found.replace(tzinfo=UTC)
    if moment > now:
        raise ValueError(f"{moment} is still to come")
    return moment.isoformat()


def asked(to: str) -> tuple[str, ...]:
    """Return how the runner is asked for it."""
    if to == LATEST:
        return ()
    return ("--backup", to) if _LABEL.fullmatch(to) else ("--to", to)


def named(to: str) -> str:
    """Say which moment is meant."""
    if to == LATEST:
        return "the last moment in the store"
    return f"backup {to}" if _LABEL.fullmatch(to) else time_of(to)


def unfinished(kept: Restoration | None) -> list[str]:
    """Say that one was begun and has not ended, if any."""
    if kept is None:
        return []
    begun = f"since {kept.since[:19]} by {kept.by}, and that has not ended"
    again = f'run `python3 deploy.py restore --to "{kept.to}"` again'
    goes_on = "it goes on, or begins anew if it was given up"
    return [f"the votes of {named(kept.to)} are being brought back, {begun}; {again}: {goes_on}"]


def mark(now: datetime) -> str:
    """Return the name that a restoration has in the database."""
    return f"restore_{now:%Y%m%d_%H%M%S}"


def overtaken(seen: Restoration | None, kept: Restoration | None, *, ended: bool) -> str:
    """Say what another command has done since one was `seen`, by what is kept now; empty for nothing.

    `ended` says whether the one that is to go on has nothing left to be done.
    """
    if seen and (kept is None or ended):
        return f"The restoration to {named(seen.to)} has ended meanwhile."
    if kept and kept != seen:
        return f"Another command has begun, or gone on, to restore {named(kept.to)} meanwhile."
    return ""


def file_name(mark: str) -> str:
    """Return the name of the file of later votes, where nobody gives another."""
    return f"later-votes-{mark}.ndjson"


def is_own_file(kept: Restoration | None, wanted: Restoration) -> bool:
    """Say whether the file that is wanted is one that the same restoration may have written before."""
    if kept is None or kept.mark != wanted.mark:
        return False
    return wanted.file == kept.file or PurePath(wanted.file).name == file_name(kept.mark)


def added(lines: Iterable[str]) -> tuple[int, int]:
    """Return how many votes there are in lines of JSON, and the sum of their versions, to tell two apart.

    Raises ValueError or KeyError for a file that is something else.
    """
    versions = [int(json.loads(line)["version"]) for line in lines]
    return len(versions), sum(versions)


def by_option(lines: Iterable[str]) -> dict[str, int]:
    """Return how many votes of each option there are in lines of JSON."""
    found: dict[str, int] = {}
    for line in lines:
        vote = str(json.loads(line)["vote"])
        found[vote] = found.get(vote, 0) + 1
    return found


def options(votes: Mapping[str, int]) -> str:
    """Say how many votes each option has, in brackets; empty without any."""
    return f" ({', '.join(f'{key} {count:,}' for key, count in sorted(votes.items()))})" if votes else ""


def sentence(
    state: Mapping[str, Any], later: Mapping[str, int], file: str, replayed: int, unread: int
) -> str:
    """Say what was restored, and which votes came after that moment, by option, in which file."""
    found = [
        f"Restored to {time_of(state['moment'])}: {state['rows']:,} votes{options(state['votes'])}",
        f"{state['later']:,} later votes{options(later)} are in {file}"
        if later
        else "no later votes were there",
        f"{replayed:,} queued votes replayed",
    ]
    if unread:
        found.append(
            f"{unread:,} votes were in a table that was dropped: the later ones of them are in no file"
        )
    return "; ".join(found)


def time_of(text: str) -> str:
    """Return a time of ISO 8601 as people read it, to the second."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
