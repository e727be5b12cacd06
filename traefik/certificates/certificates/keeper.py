"""What this copy gives to Traefik: the best certificate that it knows of, whatever is away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import structlog

from certificates.plan.certificate import Certificate, best
from certificates.state import bundle, certificates
from certificates.state.records import Records

log = structlog.get_logger()


class Keeper:
    """Holds it in memory, and keeps it on the node's volume for the next start."""

    def __init__(
        self, authority: str, names: tuple[str, ...], records: Records, folder: Path, provisional: Certificate
    ) -> None:
        """Begin with what the volume has; `provisional` is shown where nothing else can be."""
        self._authority = authority
        self._names = names
        self._records = records
        self._folder = folder
        self._provisional = provisional
        self._newest: int | None = None
        kept = bundle.read(folder, records.vault)
        self._known = [kept] if kept else []
        self.current = self._chosen()

    def refresh(self) -> None:
        """Look for a newer one in the database; raise DatabaseAwayError, and keep what was."""
        with self._records.reading() as connection:
            newest = certificates.newest_id(connection)
            if newest != self._newest:
                self._known = certificates.known(connection, self._records.vault) or self._known
                self._newest = newest
        chosen = self._chosen()
        if chosen != self.current:
            self._show(chosen)

    def _chosen(self) -> Certificate:
        now = datetime.now(UTC)
        found = best(self._known, self._authority, self._names, now)
        # Signed by the same authority, a new one is as good as any, and one that has ended is not.
        ended = found is not None and found.authority == self._provisional.authority and found.not_after < now
        return self._provisional if found is None or ended else found

    def _show(self, chosen: Certificate) -> None:
        self.current = chosen
        log.info(
            "showing another certificate", authority=chosen.authority, until=chosen.not_after.isoformat()
        )
        try:
            bundle.write(self._folder, self._records.vault, chosen)
        except OSError as error:
            log.warning("the certificate is not kept on this node's volume", reason=str(error))
