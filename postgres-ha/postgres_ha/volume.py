"""The node's volume: which directory holds the data, and how it is replaced without losing it."""

import fcntl
import os
import shutil
from pathlib import Path

from postgres_ha.grant import DurableTerm
from postgres_ha.state import Data


class Volume:
    """Keep one usable data directory at a fixed place, whatever interrupts a replacement."""

    def __init__(self, root: Path) -> None:
        self.data = root / "pgdata"
        self.fresh = root / "pgdata.new"
        self._root = root
        self._old = root / "pgdata.old"
        self.damaged = root / "pgdata.damaged"
        self._rewinding = root / "rewinding"
        self._office = root / "office.json"
        self._first_boot = root / "first-boot"
        self._lock: int | None = None

    @property
    def promise(self) -> Path:
        """The file that holds the promised term."""
        return self._root / "promise.json"

    @property
    def office_term(self) -> int:
        """The last term for which this node was promoted with the data that it has now."""
        return DurableTerm(self._office).term

    def enter_office(self, term: int) -> None:
        """Note, before the promotion, that history here may branch off for this term."""
        DurableTerm(self._office).keep(term)

    @property
    def content(self) -> Data:
        """What the data directory is good for."""
        if self._rewinding.exists() or DurableTerm(self._office).damaged:
            return Data.BROKEN
        if (self.data / "PG_VERSION").exists():
            return Data.USABLE
        # Without that file it is not nothing: a node that calls itself empty may be initialised.
        return Data.BROKEN if self.data.exists() and any(self.data.iterdir()) else Data.EMPTY

    @property
    def is_first_boot(self) -> bool:
        """Whether the data here was made by this node and no other ever had a copy."""
        return self._first_boot.exists()

    def try_lock(self) -> bool:
        """Take the volume for this container; False while another one still has it."""
        descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    def recover(self) -> None:
        """Undo a replacement that was interrupted halfway: put the old directory back, remove half a copy."""
        # What is kept may be of long ago: only beside a copy that waits was it the data until now.
        for place, interrupted in ((self._old, True), (self.damaged, self.fresh.exists())):
            if place.exists() and interrupted and not self.data.exists():
                place.rename(self.data)
        if self.data.exists():
            shutil.rmtree(self.fresh, ignore_errors=True)

    def secure(self) -> None:
        """Give the data the mode that PostgreSQL insists on; raise OSError."""
        self.data.chmod(0o700)

    def adopt_first(self) -> None:
        """Make the fresh directory the first data of all."""
        self._mark(self._first_boot)
        self.fresh.rename(self.data)
        self._sync()

    def end_first_boot(self) -> None:
        """Note that the data is open, so that others may hold copies of it."""
        self._unmark(self._first_boot)

    def adopt_clone(self, *, keep: bool = False) -> None:
        """Replace the data by the fresh directory; the old one stays until `discard_old`.

        With `keep` it stays for good, in the place of what was kept earlier.
        """
        place = self.damaged if keep else self._old
        for earlier in {place, self._old}:
            shutil.rmtree(earlier, ignore_errors=True)
        if self.data.exists():
            self.data.rename(place)
        self.fresh.rename(self.data)
        self._unmark(self._first_boot)
        self._unmark(self._office)
        self._unmark(self._rewinding)

    def discard_old(self) -> None:
        """Remove what a clone has replaced."""
        if self._old.exists():
            shutil.rmtree(self._old)

    def begin_rewind(self) -> None:
        """Note that the data directory is unusable until `end_rewind`."""
        self._mark(self._rewinding)

    def end_rewind(self) -> None:
        """Note that the data directory is whole again, and holds the leader's history."""
        self._unmark(self._office)
        self._unmark(self._rewinding)

    def _mark(self, marker: Path) -> None:
        marker.touch()
        self._sync()

    def _unmark(self, marker: Path) -> None:
        if marker.exists():
            marker.unlink()
            self._sync()

    def _sync(self) -> None:
        descriptor = os.open(self._root, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
