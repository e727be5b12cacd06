"""What an operator should know of a drill: whether a backup gives the votes back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from deployment.plan.cluster.backups import ago

GOOD, BAD, NOT_RUN = "good", "bad", "not run"
EXIT_CODES = {GOOD: 0, BAD: 1, NOT_RUN: 4}
# What each report has.
KEYS = {
    *("outcome", "began", "seconds", "why", "backup", "moment"),
    *("age_seconds", "rows", "votes", "fingerprint"),
}
COULD_NOT_RUN = EXIT_CODES[NOT_RUN]
# One each week, and a day for it to be made.
OLD_SECONDS = 8 * 24 * 3600.0
# The database writes something every few seconds, and WAL is stored each minute.
OLD_COPY_SECONDS = 3600.0
AGAIN = "python3 deploy.py restore --drill"


def line(note: Mapping[str, Any] | None, at: float) -> str:
    """Say in one line when a backup was last tried, and what came of it; `at` in seconds since 1970."""
    last, ran = _parts(note)
    if last is None:
        return "Drill: none yet"
    found = f"{ran['outcome']}, {ago(at - ran['began'])} ago" if ran else "none could run yet"
    return f"Drill: {found}" + ("" if last == ran else "; the last one could not run")


def warnings(note: Mapping[str, Any] | None, at: float) -> list[tuple[str, str]]:
    """Say what is wrong, and what to do: a backup is bad, or nobody has tried one for long."""
    last, ran = _parts(note)
    if ran and ran["outcome"] == BAD:
        return [(f"the drill of backup {ran['backup']} was bad: {ran['why']}", AGAIN)]
    if ran and at - ran["began"] > OLD_SECONDS:
        return [(f"no backup has been tried for {ago(at - ran['began'])}", AGAIN)]
    if last and not ran:
        return [(f"no drill could run yet: {last['why']}", AGAIN)]
    return []


def lines(report: Mapping[str, Any], *, of_old: bool = False) -> list[str]:
    """Return a drill's report as text; `of_old` if an earlier moment was asked for."""
    found = [f"Backup       {report['backup']}"] if report["backup"] else []
    if report["moment"] is not None:
        moment = datetime.fromtimestamp(report["moment"], UTC)
        found.append(f"Its moment   {moment:%Y-%m-%d %H:%M:%S} UTC, {ago(report['age_seconds'])} ago")
    if report["rows"] is not None:
        options = ", ".join(f"{option} {count:,}" for option, count in sorted(report["votes"].items()))
        found.append(f"Votes        {report['rows']:,}" + (f" ({options})" if options else ""))
        found.append(f"Fingerprint  {report['fingerprint']}")
    return [*found, *([] if of_old else _old(report)), f"{_sentence(report)} ({report['seconds']:.0f} s)"]


def _old(report: Mapping[str, Any]) -> list[str]:
    """Warn of a copy of the last moment in the store that is not of now."""
    age = report["age_seconds"] or 0
    return (
        [f"Warning: the store has nothing newer than {ago(age)}; see `status`"]
        if age > OLD_COPY_SECONDS
        else []
    )


def _sentence(report: Mapping[str, Any]) -> str:
    if report["outcome"] == GOOD:
        moment = datetime.fromtimestamp(report["moment"], UTC)
        return f"Good: the copy is whole, with the {report['rows']:,} votes of {moment:%H:%M:%S}."
    if report["outcome"] == BAD:
        return f"BAD: {report['why']}."
    return f"NOT RUN, so that nothing is known of the backup: {report['why']}."


def _parts(note: Mapping[str, Any] | None) -> tuple[Any, Any]:
    return ((note or {}).get("last"), (note or {}).get("ran"))
