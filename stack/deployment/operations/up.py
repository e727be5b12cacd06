"""`deploy.py up`: the steps from a bare machine to a stack that is healthy."""

import time
from collections.abc import Sequence

from deployment.configuration.settings import Settings
from deployment.engine.machine import advertise, engine
from deployment.engine.secrets import kits
from deployment.engine.swarm import networks, nodes, services
from deployment.operations.release import source, summary
from deployment.operations.release.back import WayBack
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.operations.steps.checks import Checks, Published
from deployment.operations.steps.health import Health
from deployment.operations.steps.images import Bases, Engine, Images, Push, Refresh
from deployment.operations.steps.intake import Drain, Readable, Reopen
from deployment.operations.steps.record import Record, Sweep
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.operations.steps.sealing import Swept
from deployment.operations.steps.swarm import Labels, Options, Packages, Secrets, Swarm
from deployment.plan import alerting, maintenance
from deployment.plan.cluster import strength
from deployment.plan.release import history, inside
from deployment.plan.release.options import Change
from deployment.plan.swarm import placement, weaknesses
from deployment.progress import Progress

UP: Sequence[Step] = (
    *(Checks(), Engine(), Published(), Bases(), Refresh(), Images(), Push()),
    *(Swarm(), Labels(), Secrets(), Options(), Packages()),
    *(Readable(), DataNodes(), Drain(), Deploy(), Reopen(), Health()),
    # Once more: an earlier command may have left the intake shut, unseen until now. A task of a kit that was
    # killed holds former passwords, so it goes before they do.
    *(Reopen(), Record(), Swept(), Sweep()),
)
BUILDING = (Bases, Refresh, Images, Push, Packages)
UNWATCHED = "A rollback has turned the monitoring off, and it stays off: add --monitoring to have it again."
LEFT_OUT = "Grafana is left out: its image cannot be pulled: {}"
UNSEEN = "The engine stands still, so what it holds could not be looked at: less may be to do."


def site(
    settings: Settings,
    progress: Progress,
    *,
    install_engine: bool,
    start: bool,
    refresh: bool = False,
    change_options: Change | None = None,
) -> Site:
    """Return what `up` works on; an engine that stands still is started to be seen, if it may be.

    `change_options` says what becomes of options that have votes and are no longer wanted.
    """
    client = engine.connect()
    if client:
        engine.require_command(client)
    if client is None and not install_engine:
        engine.require()
    if client is None and start and engine.installed():
        client = engine.install(progress)
    return Site(settings, progress, client, source.release, refresh=refresh, change_options=change_options)


def steps(settings: Settings) -> Sequence[Step]:
    """Return what `up` makes true; nothing is built where published images are taken."""
    return [step for step in UP if not (settings.images and isinstance(step, BUILDING))]


def up(on: Site) -> None:
    """Bring the whole stack up, or back to what it was if that fails.

    Raises DeployError before anything is changed if the machine or the settings do not allow it.
    """
    started = time.monotonic()
    for line in advertise.said(on.client, on.settings.advertise_addr):
        on.progress.say(f"  {line}")
    if operation.run(steps(on.settings), on, WayBack()):
        on.progress.say(f"The stack is up ({time.monotonic() - started:.0f} s).")
    else:
        on.progress.say(f"Nothing to do: the stack runs as wanted ({time.monotonic() - started:.1f} s).")
    for warning in warnings(on):
        on.progress.say(f"  Warning: {warning}")
    summary.say(on)


def warnings(on: Site) -> list[str]:
    """Return what a fault would cost, on the nodes as they are or are to be."""
    labelled = placement.labelled(on.nodes, placement.spread(on.nodes))
    if not on.managed:
        unseen = on.client is None and engine.installed()
        return [*([UNSEEN] if unseen else []), *weaknesses.of(labelled), *watching(on)]
    closed = [*maintenance.closed(on.picture.queue.intake, on.maintenance), *strength.votes_lost(on.picture)]
    crowded = weaknesses.crowded(nodes.observe(on.engine), services.placements(on.engine))
    risky = [*weaknesses.of(labelled), *crowded, *networks.warnings(on.engine)]
    due = kits.due(on.engine, on.wanted) if on.wanted else []
    return [*closed, *risky, *plain(on), *watching(on), *due]


def watching(on: Site) -> list[str]:
    """Say where nobody would hear of trouble, though somebody may believe it."""
    if on.chosen.monitoring:
        refused = [LEFT_OUT.format(reason) for reason in on.refusals.values() if reason]
        return [*alerting.unheard(on.chosen), *refused]
    idle = [f"{name} is set, but the stack is not watched: add --monitoring." for name in on.chosen.idle]
    return [
        *idle,
        *([UNWATCHED] if on.settings.monitoring is None and history.unwatched(on.deployments) else []),
    ]


def plain(on: Site) -> list[str]:
    """Say that the database does not demand TLS."""
    return [inside.NOT_DEMANDED] if on.wanted and inside.offered(on.wanted) else []
