"""The state as one copy of the program reads and writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from certificates.state import accounts, challenges, lease
from certificates.state.accounts import Account
from certificates.state.database import Connection, Database
from certificates.state.vault import Vault


class Records:
    """Writes only while this copy has the lease. Everything may raise DatabaseAwayError."""

    def __init__(self, database: Database, vault: Vault, holder: str) -> None:
        self._database = database
        self.vault = vault
        self._holder = holder
        self._fence = 0

    def take_lease(self) -> datetime | None:
        """Return the time by the database's clock, if this copy has the lease from now on."""
        with self._database.transaction() as connection:
            taken = lease.take(connection, self._holder)
        self._fence, now = taken or (0, None)
        return now

    def release_lease(self) -> None:
        """Let another copy have it at once."""
        with self._database.transaction() as connection:
            lease.release(connection, self._holder)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Let the block read."""
        with self._database.transaction() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Let the block write; raise LeaseLostError where another copy may do so by now."""
        with self._database.transaction() as connection:
            lease.check(connection, self._fence)
            yield connection

    def publish(self, token: str, answer: str) -> None:
        """Let every copy answer a token."""
        with self.writing() as connection:
            challenges.publish(connection, token, answer)

    def account(self, authority: str) -> Account | None:
        """Return the account at an authority."""
        with self.reading() as connection:
            return accounts.find(connection, self.vault, authority)

    def keep_account(self, authority: str, account: Account) -> None:
        """Store the account at an authority."""
        with self.writing() as connection:
            accounts.keep(connection, self.vault, authority, account)
