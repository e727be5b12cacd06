"""What this copy gives to Traefik: the best certificates that it knows of, whatever is away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import structlog

from certificates.authority.local import LocalAuthority
from certificates.plan.certificate import Certificate, choose
from certificates.state import bundle, certificates
from certificates.state.records import Records

log = structlog.get_logger()


class Keeper:
    """Holds them in memory, and keeps them on the node's volume for the next start."""

    def __init__(
        self, authority: str, names: tuple[str, ...], records: Records, folder: Path, local: LocalAuthority
    ) -> None:
        """Begin with what the volume has; the `local` authority signs for names that have nothing else."""
        self._authority = authority
        self._names = names
        self._records = records
        self._folder = folder
        self._local = local
        self._stopgaps: dict[tuple[str, ...], Certificate] = {}
        self._newest: int | None = None
        self._known = self._kept = bundle.read(folder, records.vault)
        self.current = self._chosen()

    @property
    def speaks(self) -> bool:
        """Whether Traefik may have what is at hand.

        It asks any copy: one that knows nothing yet would take from every edge what that shows.
        """
        if self._newest is not None or self._authority == self._local.name:
            return True
        now = datetime.now(UTC)
        found = choose(self._known, self._authority, self._names, now)
        return all(name in found and found[name].is_valid(now) for name in self._names)

    def refresh(self) -> None:
        """Look for newer ones in the database; raise DatabaseAwayError, and go on with what is known."""
        try:
            self._look()
        finally:
            self._show(self._chosen())

    def _look(self) -> None:
        with self._records.reading() as connection:
            newest = certificates.newest_id(connection)
            if newest != self._newest:
                self._known = certificates.known(connection, self._records.vault) or self._known
                self._newest = newest

    def _show(self, chosen: list[Certificate]) -> None:
        # First kept: what an edge has shown is there at its next start.
        self._keep([one for one in chosen if one not in self._stopgaps.values()])
        if chosen != self.current:
            self.current = chosen
            for one in chosen:
                until = one.not_after.isoformat()
                log.info("showing a certificate", names=one.names, authority=one.authority, until=until)

    def _chosen(self) -> list[Certificate]:
        """Return a certificate for every name, each once."""
        now = datetime.now(UTC)
        found = choose(self._known, self._authority, self._names, now)

        def lacks(name: str) -> bool:
            # Of the local authority, a new one is as good as any, and better than one that is not valid.
            one = found.get(name)
            return one is None or (one.authority == self._local.name and not one.is_valid(now))

        lacking = tuple(name for name in self._names if lacks(name))
        chosen = [found[name] for name in self._names if name not in lacking]
        if lacking:
            chosen.append(self._stopgap(lacking, now))
        return list(dict.fromkeys(chosen))

    def _stopgap(self, names: tuple[str, ...], now: datetime) -> Certificate:
        """Return the one that was made before, for as long as it lives."""
        one = self._stopgaps.get(names)
        if one is None or one.not_after < now:
            one = self._stopgaps[names] = self._local.provisional(names)
        return one

    def _keep(self, shown: list[Certificate]) -> None:
        """Keep on the volume what is shown, and try again at the next look where that fails."""
        if not shown or shown == self._kept:
            return
        try:
            bundle.write(self._folder, self._records.vault, shown)
            self._kept = shown
        except OSError as error:
            log.warning("the certificates are not kept on this node's volume", reason=str(error))
