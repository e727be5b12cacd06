"""The certificates that were issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certificates.plan.certificate import Certificate
from certificates.state.database import Connection
from certificates.state.vault import Vault

PURPOSE = "certificate"
KEPT = 10


@dataclass(frozen=True)
class Held:
    """The newest certificate for some names by some authority, and when it is to be renewed."""

    id: int
    certificate: Certificate
    renew_at: datetime
    advised: bool
    advice_at: datetime | None


def newest_id(connection: Connection) -> int:
    """Return a number that grows with every certificate; 0 before the first."""
    row = connection.execute("SELECT max(id) AS id FROM certificates.certificates").fetchone()
    return int(row["id"] or 0) if row else 0


def known(connection: Connection, vault: Vault) -> list[Certificate]:
    """Return the certificates whose keys this vault can open."""
    rows = connection.execute(
        "SELECT * FROM certificates.certificates WHERE key_id = %s ORDER BY id DESC LIMIT %s",
        (vault.key_id, KEPT),
    )
    return [_certificate(row, vault) for row in rows]


def held(connection: Connection, vault: Vault, authority: str, names: tuple[str, ...]) -> Held | None:
    """Return the certificate to renew some day: the newest, even if one before it lives longer."""
    row = connection.execute(
        "SELECT * FROM certificates.certificates WHERE authority = %s AND names = %s AND key_id = %s "
        "ORDER BY id DESC LIMIT 1",
        (authority, list(names), vault.key_id),
    ).fetchone()
    if row is None:
        return None
    return Held(row["id"], _certificate(row, vault), row["renew_at"], row["advised"], row["advice_at"])


def keep(connection: Connection, vault: Vault, made: Certificate, renew_at: datetime) -> None:
    """Store a certificate, and forget the oldest."""
    connection.execute(
        "INSERT INTO certificates.certificates "
        "(authority, names, chain, key, key_id, not_before, not_after, renew_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            *(made.authority, list(made.names), made.chain, vault.seal(made.key, PURPOSE), vault.key_id),
            *(made.not_before, made.not_after, renew_at),
        ),
    )
    connection.execute(
        "DELETE FROM certificates.certificates WHERE id NOT IN "
        "(SELECT id FROM certificates.certificates ORDER BY id DESC LIMIT %s)",
        (KEPT,),
    )


def advise(connection: Connection, held: Held) -> None:
    """Store what the authority advises, and when to ask again."""
    connection.execute(
        "UPDATE certificates.certificates SET renew_at = %s, advised = %s, advice_at = %s WHERE id = %s",
        (held.renew_at, held.advised, held.advice_at, held.id),
    )


def _certificate(row: dict[str, Any], vault: Vault) -> Certificate:
    return Certificate(
        authority=row["authority"],
        names=tuple(row["names"]),
        not_before=row["not_before"],
        not_after=row["not_after"],
        chain=row["chain"],
        key=vault.open(row["key"], PURPOSE),
    )
