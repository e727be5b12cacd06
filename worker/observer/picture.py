"""What the queue and the database say of themselves, put together as one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

# What pgBackRest ends with when the store holds another file of the same name.
DIFFERENT_WAL = 45

State = Mapping[str, Any]
Picture = Mapping[str, Any]


def count_open_primaries(states: Mapping[str, State]) -> int | None:
    """Count the nodes that may acknowledge as a primary, never two if all is well; None if all are silent."""
    return len(_open_primaries(states)) if states else None


def _open_primaries(states: Mapping[str, State]) -> list[str]:
    return [name for name, state in states.items() if state.get("role") == "primary" and state.get("open")]


def summarize_postgres(states: Mapping[str, State]) -> dict[str, Any]:
    """Name the one primary that may acknowledge, who streams from it, and whose pages are damaged.

    The lag of a standby is the primary's WAL that it does not have on its disk; the accounts are established
    if the primary has given them today's passwords. An agent of the release before says neither.
    """
    damaged = sorted(name for name, state in states.items() if state.get("damaged_pages"))
    open_nodes = _open_primaries(states)
    if len(open_nodes) != 1:
        return {
            "primary": None,
            "standbys": [],
            "synchronous": False,
            "established": False,
            "lag_bytes": {},
            "damaged": damaged,
        }
    state = states[open_nodes[0]]
    standbys, lag = sorted(state.get("standbys", ())), state.get("lag_bytes", {})
    return {
        "primary": open_nodes[0],
        "standbys": standbys,
        "synchronous": bool(state.get("synchronous")),
        "established": bool(state.get("established", True)),
        "lag_bytes": {name: lag.get(name) for name in standbys},
        "damaged": damaged,
    }


def summarize_redis(roles: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Name the primary, if exactly one says that it is, and the replicas in step with it.

    The lag of a replica is what the primary has written, in bytes since ever, and it has not acknowledged.
    """
    primaries = [node for node, role in roles.items() if role[0] == b"master"]
    if len(primaries) != 1:
        return {"primary": None, "replicas": [], "lag_bytes": {}, "written": None}
    follows = [b"slave", primaries[0].encode(), b"connected"]
    replicas = sorted(n for n, r in roles.items() if r[0] == b"slave" and [r[0], r[1], r[3]] == follows)
    _, written, known = roles[primaries[0]]
    lag = {name.decode(): written - int(acknowledged) for name, _, acknowledged in known}
    return {
        "primary": primaries[0],
        "replicas": replicas,
        "lag_bytes": {name: lag.get(name) for name in replicas},
        "written": written,
    }


def summarize_queue(
    answer: Sequence[Any] | None, letters: int | None, intake: Sequence[Any] | None
) -> dict[str, Any]:
    """Count what waits and what is dead, name the entry that has waited longest, and say what the intake is.

    Dead are the letters of the database and those that an older worker left in the queue.
    """
    state = None if intake is None else (intake[0] or b"open").decode()
    if answer is None:
        return {"pending": None, "dead": None, "oldest": None, "intake": state}
    pending, left, first = answer
    return {
        "intake": state,
        "pending": pending,
        "dead": None if letters is None else left + letters,
        "oldest": first[0][0].decode() if first else None,
    }


def summarize_votes(tally: Mapping[str, int] | None, pulse_age: float | None = None) -> dict[str, Any]:
    """Count the votes that are stored, in all and of each option by its key; say how old the last commit is.

    Where the database does not answer, nobody can say how old.
    """
    if tally is None:
        return {"stored": None, "tally": None, "pulse": None}
    return {"stored": sum(tally.values()), "tally": tally, "pulse": {"age": pulse_age}}


def summarize_poll(row: Mapping[str, Any] | None, answer: Sequence[Any] | None) -> dict[str, Any] | None:
    """Say of the poll what the database says, and whether the queue's primary knows that."""
    if row is None:
        return None
    (known,) = answer or (None,)
    told = known is not None and known[1] == row["revision"]
    return {**with_times_as_text(row), "told": told, "over": bool(known[3]) if known else None}


def summarize_certificates(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Say of the edges' certificate what its program says, times as text."""
    return None if row is None else with_times_as_text(row)


def summarize_backups(states: Mapping[str, State]) -> dict[str, Any] | None:
    """Say how the primary's WAL is stored, and what the runner of the backups last said to any node.

    None where no node is backed up. `told` is how many seconds ago the runner said so, None if it is silent.
    """
    if not any("archive" in state for state in states.values()):
        return None
    open_nodes = _open_primaries(states)
    archive = states[open_nodes[0]].get("archive") or {} if len(open_nodes) == 1 else {}
    if any((state.get("archive") or {}).get("code") == DIFFERENT_WAL for state in states.values()):
        # Whoever has met it keeps it, until an operator has looked.
        archive = {**archive, "code": DIFFERENT_WAL}
    heard = [report for state in states.values() if (report := state.get("backup"))]
    newest = min(heard, key=lambda report: report["age"], default={"age": None})
    # Whoever has given WAL up has it in no backup, whoever is the primary now.
    dropped = [found for state in states.values() if (found := (state.get("archive") or {}).get("given_up"))]
    return {
        **{name: archive.get(name) for name in ("waiting", "oldest_seconds", "wal_bytes", "code")},
        "given_up": datetime.fromtimestamp(max(dropped), UTC).isoformat() if dropped else None,
        **{name: newest.get(name) for name in ("label", "type", "stop", "drill")},
        "count": newest.get("count"),
        "problem": newest.get("problem") or "",
        "running": bool(newest.get("running")),
        "told": newest["age"],
    }


def with_times_as_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its times in UTC, as ISO 8601 writes them."""
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def waiting_seconds(before: Picture | None, queue: Mapping[str, Any], now: float) -> float:
    """Say for how long the same entry has been the oldest of the queue; 0 while there is none.

    Not counted while the queue does not answer.
    """
    if before is None or queue["oldest"] is None or queue["oldest"] != before["queue"]["oldest"]:
        return 0.0
    return float(before["queue"]["waiting_seconds"] + max(0.0, now - before["at"]))


def known_losses(before: Picture | None, accounts: Mapping[str, Any] | None) -> Mapping[str, int]:
    """Return how many votes of which process are lost, by what was known last."""
    if accounts is None:
        return before["losses"] if before else {}
    return {each["process"]: each["lost"] for each in accounts["processes"] if each["lost"]}
