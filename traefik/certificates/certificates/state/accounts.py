"""The account at an authority."""

from __future__ import annotations

from dataclasses import dataclass, field

from certificates.state.database import Connection
from certificates.state.vault import Vault

PURPOSE = "account"


@dataclass(frozen=True)
class Account:
    """Its key (PEM), and its address once the authority knows it."""

    key: str = field(repr=False)
    url: str | None


def find(connection: Connection, vault: Vault, authority: str) -> Account | None:
    """Return the account at an authority, if its key was sealed by this vault."""
    row = connection.execute(
        "SELECT key, url FROM certificates.accounts WHERE authority = %s AND key_id = %s",
        (authority, vault.key_id),
    ).fetchone()
    return Account(vault.open(row["key"], PURPOSE), row["url"]) if row else None


def keep(connection: Connection, vault: Vault, authority: str, account: Account) -> None:
    """Store an account; it replaces the one before it."""
    connection.execute(
        "INSERT INTO certificates.accounts (authority, key, key_id, url) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (authority) DO UPDATE SET "
        "key = excluded.key, key_id = excluded.key_id, url = excluded.url",
        (authority, vault.seal(account.key, PURPOSE), vault.key_id, account.url),
    )
