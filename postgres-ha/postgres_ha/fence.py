"""The fence: the settings under which a node can acknowledge nothing, and how it opens."""

import time

from postgres_ha import postgres_config
from postgres_ha.database import Database, DatabaseError, Observation, setting

_RELOAD = "SELECT pg_reload_conf()"
_POLL_SECONDS = 0.05


def cut_off(database: Database, timeout: float) -> Observation:
    """Stop receiving, replay all that is here, and return the final observation.

    Raise DatabaseError if that takes longer than `timeout` seconds, psycopg.Error if the
    server does not take the setting. The node stays cut off in either case.
    """
    database.execute(setting("primary_conninfo", ""), _RELOAD)
    deadline = time.monotonic() + timeout
    previous = None
    while time.monotonic() < deadline:
        observation = database.observe()
        if observation and observation.fenced and observation.settled:
            # Twice, because this session may know of the new setting before the receiver does.
            if previous == observation.position:
                return observation
            previous = observation.position
        time.sleep(_POLL_SECONDS)
    raise DatabaseError(f"still replaying after {timeout:g} s")


def open_to(database: Database, peers: tuple[str, ...], timeout: float) -> None:
    """Let a primary acknowledge what any one of the peers has confirmed, and return once it does.

    Before that the gate would see a primary that is cut off, and stop it. Raise DatabaseError if it
    takes longer than `timeout` seconds, psycopg.Error if the server does not take the setting.
    """
    names = postgres_config.synchronous_standby_names(peers)
    database.execute(setting("synchronous_standby_names", names), _RELOAD)
    deadline = time.monotonic() + timeout
    while not ((observation := database.observe()) and observation.open):
        if time.monotonic() > deadline:
            raise DatabaseError(f"still cut off after {timeout:g} s")
        time.sleep(_POLL_SECONDS)


def stream_from(database: Database, conninfo: str, slot: str) -> None:
    """Tell a standby to stream through a slot of its leader."""
    database.execute(setting("primary_slot_name", slot), setting("primary_conninfo", conninfo), _RELOAD)
