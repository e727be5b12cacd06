"""The release that was deployed last, for verbs that change a part of it."""

from deployment.configuration.settings import Settings
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.plan.release.history import Deployment
from deployment.progress import Progress


def recorded(settings: Settings, progress: Progress) -> tuple[Client, Deployment]:
    """Return the engine, which commands the Swarm, and what was deployed last; raise DeployError."""
    client = engine.require()
    engine.require_command(client)
    last = Site(settings, progress, client, lambda _: None).last
    if last is None:
        raise DeployError("No release is on record here.", "Run `up` first: it deploys, and keeps one.")
    return client, last
