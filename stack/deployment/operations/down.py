"""`deploy.py down`: remove the stack, and on request its data."""

import time
from collections.abc import Sequence

from deployment.configuration.layout import ENV_FILE, GIVEN, NAMESPACE, ROOT, STACK
from deployment.engine.images import packages
from deployment.engine.machine.engine import Client, RefusedError
from deployment.engine.records import maintenance, options, releases, restoration
from deployment.engine.secrets import credentials, kits
from deployment.engine.swarm import nodes, services
from deployment.errors import DeployError
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.operations.steps.sealing import Swept
from deployment.plan.swarm.nodes import Node
from deployment.progress import Task

TIMEOUT_SECONDS = 120
REMOVE_VOLUMES = f"docker volume ls -q --filter label={NAMESPACE} | xargs -r docker volume rm"


class Stopped:
    """No service, container or network of the stack is left."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name what is left."""
        client = site.engine
        found = len(services.specifications(client)) + len(_containers(client))
        networks = client.networks.list(filters={"label": NAMESPACE})
        return ["remove the stack; its data stays in its volumes"] if found or networks else []

    def do(self, site: Site) -> None:
        """Remove it, and wait until all containers have stopped cleanly."""
        client, members = site.engine, nodes.observe(site.engine)
        with site.progress.task("Removing the stack") as task:
            for service in client.services.list(filters={"label": NAMESPACE}):
                service.remove()
            _wait_for_containers(client, members, task)
            _remove_networks(client, task)


class Erased:
    """No vote, password or certificate of the stack is left on this node or in the Swarm."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name what is left."""
        client = site.engine
        volumes = [str(volume.name) for volume in client.volumes.list(filters={"label": NAMESPACE})]
        items = credentials.ours(client)
        kept = (releases.read, options.kept, packages.recorded, maintenance.read, kits.made, kits.begun)
        records = any(read(client) for read in (*kept, restoration.read))
        return [
            *([f"delete volumes: {', '.join(sorted(volumes))}"] if volumes else []),
            *([f"delete {len(items)} secrets and configs"] if items else []),
            *(
                ["delete the Swarm's records of releases, options, packages, maintenance and kits"]
                if records
                else []
            ),
        ]

    def do(self, site: Site) -> None:
        """Remove it."""
        client = site.engine
        with site.progress.task("Removing volumes, secrets and certificates"):
            for volume in client.volumes.list(filters={"label": NAMESPACE}):
                volume.remove()
            credentials.authority_file(client).unlink(missing_ok=True)
            credentials.remove(credentials.unused(client, keys=()))
            for kept in (releases, options, packages, maintenance, restoration, kits):
                kept.forget(client)


def steps(*, volumes: bool) -> Sequence[Step]:
    """Return the steps; with `volumes` also all votes, secrets, configs and certificates go."""
    return (Stopped(), Swept(), Erased()) if volumes else (Stopped(), Swept())


def down(on: Site, *, volumes: bool) -> None:
    """Remove services and networks, and say what is left."""
    operation.run(steps(volumes=volumes), on)
    here = on.engine.info()["Swarm"]["NodeID"]
    others = [node.name for node in on.nodes if node.id != here]
    silent = [node.name for node in on.nodes if not node.ready]
    for line in [*farewell(others, volumes=volumes), *unheard(silent), *(in_clear() if volumes else [])]:
        on.progress.say(line)


def question(on: Site) -> str:
    """Ask whether all may go, and name what no backup can bring back then."""
    volumes = {str(volume.name) for volume in on.engine.volumes.list(filters={"label": NAMESPACE})}
    keyed = on.managed and credentials.BACKUP_KEY in on.secrets
    backups = ", all backups that are on this machine" if f"{STACK}_backup" in volumes else ""
    key = ", the key without which no backup can be read" if keyed else ""
    return f"Delete every vote, password and certificate of this stack{backups}{key} for good?"


def farewell(others: list[str], *, volumes: bool) -> list[str]:
    """Say what is gone and what is not; volumes of the `others` cannot be reached from this node."""
    if not volumes:
        return ["The stack is down: its data stays in its volumes."]
    if not others:
        return ["The stack is down, its data is gone."]
    return [
        f"The stack is down. Its volumes on this node are gone, those on {', '.join(others)} are not: "
        "they cannot be removed from here, and a new stack could not read them.",
        f"Before the next `up` run on each of these nodes:\n    {REMOVE_VOLUMES}",
    ]


def unheard(silent: list[str]) -> list[str]:
    """Say what is not known of nodes that the Swarm does not hear of."""
    if not silent:
        return []
    return [
        f"The Swarm does not hear of {', '.join(silent)}: what runs there goes on until it is back in the "
        "Swarm. If that will never be, switch it off."
    ]


def in_clear() -> list[str]:
    """Name the files that a recovery kit was opened into: they hold what the user gave, in clear."""
    files = sorted(GIVEN.glob("*"))
    if files and ENV_FILE.exists():
        files.append(ENV_FILE)
    names = ", ".join(path.relative_to(ROOT).as_posix() for path in files)
    return [f"Files of a recovery kit stay here, in clear: {names}."] if files else []


def _wait_for_containers(client: Client, members: Sequence[Node], task: Task) -> None:
    while left := [*_containers(client), *_tasks(client, members)]:
        task.detail(f"waiting for {len(left)} container(s) to stop cleanly")
        if task.seconds > TIMEOUT_SECONDS:
            raise DeployError(
                f"{len(left)} container(s) did not stop within {TIMEOUT_SECONDS} s.",
                "Run `down` again; `docker ps`, on the node that is named, shows which.",
                left,
            )
        time.sleep(0.5)


def _containers(client: Client) -> list[str]:
    """Return what is left on this engine."""
    found = client.api.containers(all=True, filters={"label": NAMESPACE})
    return [str(container["Names"][0]) for container in found]


def _tasks(client: Client, members: Sequence[Node]) -> list[str]:
    """Return what is left on the other nodes; of one that is away nothing more is heard."""
    here = client.info()["Swarm"]["NodeID"]
    names = {node.id: node.name for node in members if node.ready and node.id != here}
    tasks = client.api.tasks(filters={"label": NAMESPACE}) if names else []
    return [
        f"{names[task['NodeID']]}: task {task['ID']}"
        for task in tasks
        if task.get("NodeID") in names and task["Status"]["State"] not in services.GONE
    ]


def _remove_networks(client: Client, task: Task) -> None:
    """Remove the networks; Swarm frees them a moment after the last task is gone."""
    while networks := client.networks.list(filters={"label": NAMESPACE}):
        for network in networks:
            try:
                network.remove()
            except RefusedError as error:
                if task.seconds > TIMEOUT_SECONDS:
                    raise DeployError(
                        f"Network {network.name} cannot be removed: {error.explanation}",
                        "Run `down` again in a minute.",
                    ) from error
        time.sleep(0.5)
