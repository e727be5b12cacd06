"""`deploy.py seed`: votes of many new voters, brought through this node's edge as voters do."""

from deployment.configuration.layout import STACK
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client
from deployment.engine.pages import Edge
from deployment.engine.records import releases
from deployment.engine.secrets import credentials
from deployment.engine.swarm import nodes
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner import log
from deployment.plan.release.entrance import PAGES, Entrance
from deployment.progress import Progress
from seed import seeding
from seed.door import Door
from seed.errors import SeedError
from seed.report import Report


def entrance(client: Client) -> Entrance | None:
    """Return how visitors reach the pages of what was deployed last; None if nothing was."""
    kept = releases.read(client)
    return credentials.entrance_of(client, kept[-1].release) if kept else None


def require_private(way: Entrance) -> None:
    """Raise DeployError where strangers vote."""
    if way.public:
        raise DeployError(
            f"Strangers vote here ({', '.join(way.hosts.values())}): made-up votes would count among theirs.",
            "If you want that, add --yes.",
        )


def seed(client: Client, progress: Progress, votes: int, rate: float | None, *, yes: bool) -> Report:
    """Bring so many votes, at most `rate` a second, and say what came of them."""
    way = entrance(client)
    if way is None:
        raise DeployError(f"No {STACK} stack was brought up here.", "Bring one up: python3 deploy.py up")
    if not yes:
        require_private(way)
    vote, result = doors(way, edge(client, way))
    # Whoever finds the votes learns of them even if this process dies.
    log.note(client, "seed", f"begun: {votes:,} votes")
    with progress.task(f"Voting as {votes:,} new voters") as task:
        try:
            report = seeding.run(vote, result, votes, rate, task.detail)
        except SeedError as error:
            log.note(client, "seed", f"failed: {error}", task.seconds)
            raise DeployError(f"{error}.", "Look at `python3 deploy.py status`.") from error
        log.note(client, "seed", report.outcome, task.seconds)
    return report


def doors(way: Entrance, edge: Edge) -> tuple[Door, Door]:
    """Return the doors of both pages at an edge."""
    trust = way.trust()
    vote, result = (Door(way.urls[page], edge.address, way.port, trust) for page in PAGES)
    return vote, result


def edge(client: Client, way: Entrance) -> Edge:
    """Return this node's edge, or else another."""
    here = client.info()["Swarm"]["NodeID"] if engine.is_local(client) else ""
    found = status.edges(nodes.observe(client), way, here)
    if not found:
        raise DeployError(
            "No node lets visitors in: none is ready, active and has the label vote-app.edge=true.",
            "Look at `python3 deploy.py nodes list`. `nodes activate NODE` ends a drain.",
        )
    return min(found, key=lambda edge: not edge.here)
