"""`python -m swarm.lab up|down|status`: the lab from the command line, as `deploy.py lab` hands it on."""

import subprocess
import sys
from typing import Annotated

import typer
from docker.errors import DockerException

from deployment.errors import DeployError
from deployment.progress import Progress
from swarm.lab import power
from swarm.lab.lab import USUAL_SIZE, Lab, current

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="A Swarm of several nodes on this machine, to try faults by hand.",
)  # fmt: skip


@app.command()
def up(
    nodes: Annotated[int, typer.Option(min=1, max=9, help="How many nodes.")] = USUAL_SIZE,
    newer_engine: Annotated[
        bool, typer.Option("--newer-engine", help="With the Docker Engine of Debian testing.")
    ] = False,
) -> None:
    """Make the nodes and a registry, join them into a Swarm and bring the stack up on it."""
    lab = power.up(Progress(), nodes, newer_engine=newer_engine)
    _explain(lab)


@app.command()
def down() -> None:
    """Remove the nodes with everything on them."""
    power.down(Progress())


@app.command()
def status() -> None:
    """Show the nodes, then what `deploy.py status` says of the stack on them."""
    lab = current()
    if lab is None:
        raise DeployError("There is no lab on this machine.", "Make one: python3 deploy.py lab up")
    for node in lab.nodes:
        state = "answers" if node.answers() else "silent" if node.alive else "off"
        print(f"{node.name}  {node.address}  {state:8}  DOCKER_HOST={node.docker_host}")
    answering = next((node for node in lab.nodes if node.commands()), lab.nodes[0])
    raise typer.Exit(power.deployment(answering, "status"))


def _explain(lab: Lab) -> None:
    first, last = lab.nodes[0], lab.nodes[-1]
    print(f"""
The lab is up: {len(lab.nodes)} node(s), each a container of this machine.
  curl -k --resolve vote.localhost:443:{first.address} -X POST -d vote=a https://vote.localhost/
  docker -H {first.docker_host} service ls
  docker kill {last.container}      takes the power from {last.name}; docker start brings it back
  python3 deploy.py lab status
  python3 deploy.py lab down""")


def main() -> None:
    """Run the command line; an expected error is two lines and exit code 1."""
    try:
        app(prog_name="deploy.py lab")
    except (DeployError, DockerException, OSError, subprocess.CalledProcessError) as error:
        for line in getattr(error, "evidence", []):
            print(f"    {line}", file=sys.stderr)
        print(f"ERROR: {error}\n       {getattr(error, 'remedy', '')}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
