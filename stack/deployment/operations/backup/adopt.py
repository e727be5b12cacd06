"""`deploy.py backup adopt`: the store of a database that is gone takes the present one as its successor."""

from typing import Any

from deployment.engine import backup as runner
from deployment.engine.records import restoration
from deployment.errors import DeployError
from deployment.operations.backup.backup import Backup
from deployment.operations.runner.site import Site
from deployment.plan import restoration as plan


class Adopted:
    """The store belongs to the database that serves."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say so while it does not; raise DeployError where it cannot be given."""
        found = possible(site)
        if not found["foreign"]:
            return []
        return [f"give the store of database {found['store']} to this one, {found['database']}"]

    def do(self, site: Site) -> None:
        """Give it; raise DeployError if that fails."""
        runner.adopt(site.engine)


class Stored(Backup):
    """A backup of this database is in the store."""

    def __init__(self) -> None:
        # The first is a full one; if the runner has just made that, a second would push the former ones out.
        super().__init__("diff")

    def missing(self, site: Site) -> list[str]:
        """Say so until there is one."""
        if self.made or runner.adoption(site.engine)["stored"]:
            return []
        return ["make the first backup of this database, a full one"]


def possible(site: Site) -> dict[str, Any]:
    """Return whose the store is, and what it has.

    Raises DeployError, before anything is changed, where there is no store, it is away or empty, there is no
    primary, or the votes of a moment are being brought back.
    """
    found = runner.adoption(site.engine)
    begun = plan.unfinished(restoration.read(site.engine)) if found["foreign"] else []
    if begun:
        raise DeployError(
            f"The store is not given to another database meanwhile: {begun[0]}.",
            "End that first, then run this again. Nothing was changed.",
        )
    return found
