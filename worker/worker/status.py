"""Prints what the queue and the database say of themselves, as one JSON object.

Usage: python -m worker.status. Whatever does not answer within three seconds is null.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any
from urllib.request import urlopen

from worker import settings as configuration
from worker import store, stream
from worker.settings import Settings

AGENT_PORT = 8008
PATIENCE_SECONDS = 2.5
NODE_SECONDS = 1.5

State = Mapping[str, Any]


def summarize_postgres(states: Mapping[str, State]) -> dict[str, Any]:
    """Name the one primary that may acknowledge, and who streams from it."""
    open_nodes = [n for n, s in states.items() if s.get("role") == "primary" and s.get("open")]
    if len(open_nodes) != 1:
        return {"primary": None, "standbys": [], "synchronous": False}
    state = states[open_nodes[0]]
    return {
        "primary": open_nodes[0],
        "standbys": sorted(state.get("standbys", ())),
        "synchronous": bool(state.get("synchronous")),
    }


def summarize_redis(roles: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Name the primary, if exactly one says that it is, and the replicas in step with it."""
    primaries = [node for node, role in roles.items() if role[0] == b"master"]
    if len(primaries) != 1:
        return {"primary": None, "replicas": []}
    follows = [b"slave", primaries[0].encode(), b"connected"]
    replicas = [n for n, r in roles.items() if r[0] == b"slave" and [r[0], r[1], r[3]] == follows]
    return {"primary": primaries[0], "replicas": sorted(replicas)}


def _ask_agent(node: str) -> Any:
    with urlopen(f"http://{node}:{AGENT_PORT}/state", timeout=NODE_SECONDS) as answer:
        return json.load(answer)


def _ask_redis(settings: Settings, node: str, *command: str) -> Any:
    with stream.connect(settings, node) as client:
        client.connection_pool.connection_kwargs["socket_timeout"] = NODE_SECONDS
        # Without redis-py's own reading of the answer, which differs between its versions.
        client.response_callbacks.clear()
        return client.execute_command(*command)


def _ask_database(settings: Settings) -> int:
    with store.connect(settings) as connection:
        row = connection.execute("SELECT coalesce(sum(count), 0)::bigint FROM tally").fetchone()
        return int(row[0]) if row else 0


def _result(future: Future[Any]) -> Any:
    """Return an answer, or None when it failed or is not there in time."""
    return future.result() if future.done() and not future.exception() else None


def gather(settings: Settings) -> dict[str, Any]:
    """Ask everyone at once and put the answers together."""
    pool = ThreadPoolExecutor(16)
    names = (settings.postgres_nodes, settings.redis_nodes)
    postgres_nodes, redis_nodes = ([n.strip() for n in each.split(",")] for each in names)

    def ask(what: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return pool.submit(what, *arguments)

    agents = {node: ask(_ask_agent, node) for node in postgres_nodes}
    roles = {node: ask(_ask_redis, settings, node, "ROLE") for node in redis_nodes}
    pending = ask(_ask_redis, settings, settings.redis_host, "XLEN", stream.STREAM)
    dead = ask(_ask_redis, settings, settings.redis_host, "XLEN", stream.DEAD)
    stored = ask(_ask_database, settings)
    wait([*agents.values(), *roles.values(), pending, dead, stored], PATIENCE_SECONDS)
    return {
        "postgres": summarize_postgres({n: s for n, f in agents.items() if (s := _result(f))}),
        "redis": summarize_redis({n: r for n, f in roles.items() if (r := _result(f))}),
        "queue": {"pending": _result(pending), "dead": _result(dead)},
        "votes": {"stored": _result(stored)},
    }


def main() -> None:
    """Print the status and leave at once: whoever has not answered is not waited for."""
    print(json.dumps(gather(configuration.load())))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
