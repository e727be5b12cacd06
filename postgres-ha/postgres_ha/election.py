"""Asking for a term, granting one, and taking office."""

import time
from dataclasses import asdict

import psycopg
import structlog

from postgres_ha import fence, repmgr
from postgres_ha.database import Database, DatabaseError
from postgres_ha.errors import ServiceError
from postgres_ha.grant import Candidacy, Grant, led_by, newer_data, next_term, objection, passed_over
from postgres_ha.node import Mandate, Node
from postgres_ha.peers import LIVING_SECONDS, NotEnoughError
from postgres_ha.position import Position
from postgres_ha.state import Role

log = structlog.get_logger()

CUT_OFF_SECONDS = 5.0
OPEN_SECONDS = 5.0
BUSY_SECONDS = 1.0
# What a peer may need, and one second for all the rest.
GRANT_SECONDS = LIVING_SECONDS + BUSY_SECONDS + CUT_OFF_SECONDS + 1
MANDATE_SECONDS = 15.0
PROMOTION_SECONDS = 30


class ElectionError(ServiceError):
    """A term was not granted, or a mandate is missing; the message says why."""


def campaign(node: Node) -> Mandate:
    """Cut this node off, ask every peer, and return the mandate of a majority.

    Raise ElectionError if it is not granted; the node then stays cut off until the gate has
    found a leader. Raise DatabaseError or psycopg.Error if the server does not cut itself off.
    """
    _raise_if(led_by(node.settings.node, node.peers.living_primary()))
    with node.changing:
        _require_candidate(node)
        _raise_if(passed_over(node.settings.node, node.heir))
        _raise_if(_bound(node, node.settings.node))
        fence.cut_off(node.database, CUT_OFF_SECONDS)
        me = node.observe()
        known = [me, *(peer for peer in node.peers.states().values() if peer)]
        candidacy = Candidacy(me.node, next_term(known), me.position)
        _collect(node, candidacy)
        node.promise.keep(candidacy.term)
        node.mandate = Mandate(candidacy.term, time.monotonic())
        log.info("term won", term=candidacy.term, position=str(candidacy.position))
        return node.mandate


def grant(node: Node, candidacy: Candidacy) -> None:
    """Cut this node off and grant the candidate its term; raise ElectionError if refused."""
    _raise_if(led_by(node.settings.node, node.peers.living_primary()))
    if not node.changing.acquire(timeout=BUSY_SECONDS):
        raise ElectionError(f"{node.settings.node} is busy: {node.phase}")
    try:
        _raise_if(objection(candidacy, node.observe(), node.peers.heard_primary()))
        _raise_if(_bound(node, candidacy.candidate))
        fence.cut_off(node.database, CUT_OFF_SECONDS)
        _raise_if(newer_data(candidacy, node.observe()))
        node.promise.keep(candidacy.term)
        node.granted = Grant(candidacy.candidate, time.monotonic())
        log.info("term granted", candidate=candidacy.candidate, term=candidacy.term)
    finally:
        node.changing.release()


def take_office(node: Node) -> None:
    """Become the open primary of a freshly won term; raise ElectionError without one."""
    with node.changing:
        if node.observe().open:
            return
        mandate = _fresh_mandate(node)
        if mandate is None:
            raise ElectionError("no fresh mandate: ask for a term first")
        node.mandate = None
        node.volume.enter_office(mandate.term)
        promote(node.database)
        _open(node, mandate.term)
        _record(node)


def run_for_office(node: Node) -> None:
    """Take office, after asking for a term unless one has just been won; raise ElectionError."""
    with node.changing:
        if _fresh_mandate(node) is None:
            campaign(node)
        take_office(node)


def open_first(node: Node) -> None:
    """Open the database that this node has just made; nobody else has any data."""
    with node.changing:
        node.promise.keep(next_term([node.observe()]))
        node.volume.enter_office(node.promise.term)
        promote(node.database)
        _open(node, node.promise.term)
        node.volume.end_first_boot()


def override(node: Node) -> int:
    """Become primary on an operator's word alone, and return the term.

    Commits that only the unreachable nodes hold are given up. Raise ElectionError if there is
    nothing here that could be promoted or a primary lives.
    """
    _raise_if(led_by(node.settings.node, node.peers.living_primary()))
    with node.changing:
        _require_candidate(node)
        fence.cut_off(node.database, CUT_OFF_SECONDS)
        known = [node.observe(), *(peer for peer in node.peers.states().values() if peer)]
        node.promise.keep(next_term(known))
        log.warning("promoting without a majority", term=node.promise.term)
        node.volume.enter_office(node.promise.term)
        promote(node.database)
        _open(node, node.promise.term)
        _record(node)
        # The other nodes are expected to be gone; it stays open alone until one is replaced.
        node.overridden = True
        return node.promise.term


def promote(database: Database) -> None:
    """Promote the server; raise DatabaseError if it is none in time.

    `repmgr standby promote` asks every node first, which takes seconds where a dead one's name is unknown.
    """
    with database.connect() as connection:
        connection.execute("SET statement_timeout = '35s'")
        promoted = connection.execute("SELECT pg_promote(true, %s)", (PROMOTION_SECONDS,)).fetchone()
    if promoted != (True,):
        raise DatabaseError(f"not promoted in {PROMOTION_SECONDS} s")


def candidacy_to_json(candidacy: Candidacy) -> dict[str, object]:
    """Return the body of a request for a term."""
    return asdict(candidacy)


def candidacy_from_json(body: dict[str, object]) -> Candidacy:
    """Rebuild a request for a term; raise KeyError, TypeError or ValueError."""
    position = body["position"]
    if not isinstance(position, dict) or not isinstance(body["term"], int):
        raise TypeError("term must be a number and position an object")
    return Candidacy(
        str(body["candidate"]),
        body["term"],
        Position(int(position["epoch"]), int(position["lsn"])),
    )


def _fresh_mandate(node: Node) -> Mandate | None:
    mandate = node.mandate
    if mandate is None or time.monotonic() - mandate.won > MANDATE_SECONDS:
        return None
    return mandate if mandate.term == node.promise.term else None


def _bound(node: Node, candidate: str) -> str | None:
    if node.granted and node.granted.binds(candidate, time.monotonic()):
        return f"{node.settings.node} has just granted {node.granted.candidate} a term"
    return None


def _require_candidate(node: Node) -> None:
    """Look once more: a primary can have come back while something else kept the node from changing."""
    me = node.observe()
    if me.role is not Role.STANDBY:
        raise ElectionError(f"{me.node} is {me.role.value}, not a standby")
    _raise_if(led_by(me.node, node.peers.heard_primary()))


def _collect(node: Node, candidacy: Candidacy) -> None:
    body = candidacy_to_json(candidacy)
    try:
        node.peers.ask("/ballot", body, GRANT_SECONDS, enough=node.settings.majority - 1)
    except NotEnoughError as error:
        raise ElectionError(f"term {candidacy.term} not granted: {error}") from error


def _record(node: Node) -> None:
    """Note in repmgr's records what `repmgr standby promote` would."""
    try:
        repmgr.record_primary(node.database, node.settings.node_id)
    except psycopg.Error as error:
        # The grants are what counts.
        log.warning("promotion not in repmgr's records", error=str(error).strip())


def _open(node: Node, term: int) -> None:
    with node.database.connect() as connection:
        connection.execute(
            "INSERT INTO postgres_ha.epoch (epoch, node) VALUES (%s, %s)",
            (term, node.settings.node),
        )
    fence.open_to(node.database, node.settings.peers, OPEN_SECONDS)
    if node.observe().epoch != term:
        raise DatabaseError(f"the row of epoch {term} is missing")
    log.info("primary", epoch=term)


def _raise_if(refusal: str | None) -> None:
    if refusal:
        raise ElectionError(refusal)
