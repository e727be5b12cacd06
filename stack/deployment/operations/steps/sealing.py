"""Nothing is left of the task that seals a recovery kit."""

from deployment.engine.secrets import sealing
from deployment.operations.runner.site import Site


class Swept:
    """No task of a kit that was interrupted is left."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name what is left."""
        found = sealing.left(site.engine) if site.managed else []
        return [f"remove what an interrupted kit left: {', '.join(found)}"] if found else []

    def do(self, site: Site) -> None:
        """Remove it."""
        with site.progress.task("Removing what an interrupted kit left"):
            sealing.sweep(site.engine)
