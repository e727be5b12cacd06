"""`deploy.py switchover`: move the primary of a cluster."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from deployment.cli import report
from deployment.cli.options import AsJson, DryRun, Quiet, manager, require_dry_run
from deployment.configuration import settings
from deployment.operations import status
from deployment.operations import switchover as verb
from deployment.operations.runner import operation
from deployment.operations.runner.site import Site
from deployment.plan.cluster.topology import CLUSTERS
from deployment.progress import Progress

app = typer.Typer()


class Cluster(StrEnum):
    """The clusters that have a primary."""

    POSTGRES = "postgres"
    REDIS = "redis"


@app.command()
def switchover(
    cluster: Cluster,
    to: Annotated[
        str, typer.Argument(help="Node that becomes the primary, e.g. redis-3; else the best.")
    ] = "",
    quiet: Quiet = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make another node the primary of a cluster, while people vote."""
    require_dry_run(dry_run, as_json)
    words = " ".join(filter(None, ("switchover", cluster.value, to)))
    on = Site(settings.load(), Progress(quiet=quiet), manager(), lambda _: None, verb=words)
    steps = [verb.step(on, cluster.value, to)]
    if dry_run:
        report.plan(steps, on, (), as_json=as_json)
        return
    on.progress.say(f"Before: {_line(on, cluster)}")
    # Without a name the same command would choose anew, and could move it back.
    on.again = (
        "Look at `python3 deploy.py status`. This goes on: "
        f"python3 deploy.py switchover {cluster.value} {steps[0].heir}"
    )
    if not operation.run(steps, on):
        on.progress.say(f"Nothing to do: {steps[0].heir} is the primary.")
        return
    on.look_again()
    on.progress.say(f"After:  {_line(on, cluster)}")


def _line(on: Site, cluster: Cluster) -> str:
    """Return the line of `status` about a cluster."""
    lines = status.cluster_lines(asdict(on.picture))
    return next((line for line in lines if line.startswith(CLUSTERS[cluster.value])), lines[0])
