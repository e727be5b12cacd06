"""Orders: written down before they are made, so that whoever comes next goes on with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from certificates.plan.limits import Past
from certificates.state.database import Connection
from certificates.state.vault import Vault

PURPOSE = "certificate"
Outcome = Literal["issued", "invalid", "dropped"]


@dataclass(frozen=True)
class NewOrder:
    """A wanted certificate, the key it will have (PEM), and the name of the one that it replaces."""

    authority: str
    names: tuple[str, ...]
    key: str = field(repr=False)
    replaces: str | None


@dataclass(frozen=True)
class Order(NewOrder):
    """One that is under way, and its address once the authority has it."""

    id: int
    url: str | None


def find_open(connection: Connection, vault: Vault, authority: str, names: tuple[str, ...]) -> Order | None:
    """Return the order that is under way."""
    row = connection.execute(
        "SELECT id, key, key_id, url, replaces FROM certificates.orders "
        "WHERE outcome = 'open' AND authority = %s AND names = %s AND key_id = %s",
        (authority, list(names), vault.key_id),
    ).fetchone()
    if row is None:
        return None
    key = vault.open(row["key"], PURPOSE)
    return Order(authority, names, key, row["replaces"], row["id"], row["url"])


def write_down(connection: Connection, vault: Vault, new: NewOrder) -> None:
    """Store an order that is about to be made; one whose key was sealed with another key ends."""
    connection.execute(
        "UPDATE certificates.orders SET outcome = 'dropped', ended = clock_timestamp() "
        "WHERE outcome = 'open' AND authority = %s AND names = %s",
        (new.authority, list(new.names)),
    )
    connection.execute(
        "INSERT INTO certificates.orders (authority, names, key, key_id, replaces) "
        "VALUES (%s, %s, %s, %s, %s)",
        (new.authority, list(new.names), vault.seal(new.key, PURPOSE), vault.key_id, new.replaces),
    )


def placed(connection: Connection, order: Order, url: str, replaces: str | None) -> None:
    """Store where the authority has an order, and what it replaces after all."""
    connection.execute(
        "UPDATE certificates.orders SET url = %s, replaces = %s WHERE id = %s", (url, replaces, order.id)
    )


def end(connection: Connection, order_id: int, outcome: Outcome, problem: str = "") -> None:
    """Store how an order ended, and forget its challenges."""
    connection.execute(
        "UPDATE certificates.orders SET outcome = %s, problem = %s, ended = clock_timestamp() WHERE id = %s",
        (outcome, problem, order_id),
    )
    connection.execute("DELETE FROM certificates.challenges")
    connection.execute("DELETE FROM certificates.orders WHERE ended < clock_timestamp() - interval '8 days'")


def history(connection: Connection, authority: str, names: tuple[str, ...]) -> list[Past]:
    """Return the orders that count for rate limits: those of the last week."""
    rows = connection.execute(
        "SELECT ended, outcome = 'issued' AS issued, replaces IS NOT NULL AS renewal "
        "FROM certificates.orders "
        "WHERE outcome IN ('issued', 'invalid') AND authority = %s AND names = %s "
        "AND ended > clock_timestamp() - interval '7 days'",
        (authority, list(names)),
    )
    return [Past(**row) for row in rows]
