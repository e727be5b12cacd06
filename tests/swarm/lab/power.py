"""Make the lab and take it away: nodes, their registry, the Swarm, and the project's own `up` on it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool

from deployment.configuration import settings
from deployment.configuration.layout import ROOT, STACK
from deployment.engine.images import base, images
from deployment.engine.images.images import Component
from deployment.engine.machine import engine
from deployment.errors import DeployError
from deployment.progress import Progress, Task
from swarm.lab.lab import LABEL, NAME, REGISTRY, SOCKETS, SUBNET, Lab, Node, current

IMAGE = Component("lab-node", "tests/swarm/lab/node")
NEWER_ENGINE = Component("lab-node-newer-engine", "tests/swarm/lab/newer_engine")
REGISTRY_NUMBER = 0
START_SECONDS = END_SECONDS = 60
CGROUPS = Path("/sys/fs/cgroup")
# All that Docker 20.10 knows but SYS_RESOURCE, which `--privileged` asks for and some machines cannot give.
CAPABILITIES = (
    *("AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "CHOWN", "DAC_OVERRIDE"),
    *("DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE"),
    *("MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT"),
    *("SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME", "SYS_TTY_CONFIG"),
    "WAKE_ALARM",
)


def up(progress: Progress, count: int, *, newer_engine: bool = False) -> Lab:
    """Make what is missing of a lab of `count` nodes, and bring the stack up on it.

    Raises DeployError as `start` does, and where certificates of a public name are asked for.
    """
    if not settings.load().local:
        raise DeployError(
            "A lab would ask for certificates of a public name, which is not served here.",
            "Take ACME_EMAIL out of the shell and stack/.env while you use the lab.",
        )
    lab = start(progress, count, newer_engine=newer_engine)
    deploy(lab)
    return lab


def start(progress: Progress, count: int, *, newer_engine: bool = False) -> Lab:
    """Make what is missing of a lab of `count` nodes, and give it the images that this machine has.

    With `newer_engine` the nodes' engine is that of Debian testing.
    Raises DeployError where this machine cannot carry a lab, or carries a larger or another one.
    """
    client = _local_engine()
    found = current()
    if found and len(found.nodes) > count:
        raise DeployError(
            f"A lab of {len(found.nodes)} node(s) is here already.",
            "Use it, or take it away first: python3 deploy.py lab down",
        )
    lab = Lab(tuple(Node(number) for number in range(1, count + 1)))
    bases = base.provide(client, progress)
    image = _image(client, IMAGE, bases.debian, progress)
    if newer_engine:
        image = _image(client, NEWER_ENGINE, image, progress)
        _require_made_of(client, image, found)
    with progress.task(f"Starting {count} node(s) and a registry") as task:
        _start(client, image, lab, task)
    with progress.task("Joining the nodes into one Swarm"):
        _join(lab)
    hand_over_images(client, bases, lab.nodes[0], progress)
    return lab


def down(progress: Progress) -> None:
    """Remove the lab with everything in it."""
    client = _local_engine()
    with progress.task("Removing the lab") as task:
        while True:
            try:
                return _remove(client)
            except (APIError, OSError):  # a busy engine has not let go of all of it yet
                if task.seconds > END_SECONDS:
                    raise
            time.sleep(1)


def _remove(client: docker.DockerClient) -> None:
    for container in client.api.containers(all=True, filters={"label": LABEL}):
        client.api.remove_container(container["Id"], force=True)
    for volume in client.volumes.list(filters={"label": LABEL}):
        volume.remove()
    for network in client.networks.list(filters={"label": LABEL}):
        network.remove()
    shutil.rmtree(SOCKETS, ignore_errors=True)
    _remove_cgroups()


def _local_engine() -> docker.DockerClient:
    client = engine.require()
    if os.geteuid() != 0 or not engine.is_local(client):
        raise DeployError(
            "A lab needs this machine's own engine, and root.",
            "Run it as root on a Linux machine with an engine, without DOCKER_HOST.",
        )
    return client


def _image(client: docker.DockerClient, component: Component, on: str, progress: Progress) -> str:
    name = images.reference(component, base.identity(client, on))
    if not images.exists(client, name):
        with progress.task(f"Building {name}") as task:
            images.build(client, component.context, name, on, task)
    return name


def _require_made_of(client: docker.DockerClient, image: str, found: Lab | None) -> None:
    for node in found.nodes if found else ():
        if client.containers.get(node.container).attrs["Config"]["Image"] != image:
            raise DeployError(
                f"{node.name} of the lab that is here has another engine.",
                "Use it as it is, or take it away first: python3 deploy.py lab down",
            )


def _start(client: docker.DockerClient, image: str, lab: Lab, task: Task) -> None:
    try:
        client.networks.get(NAME)
    except NotFound:
        pool = IPAMConfig(pool_configs=[IPAMPool(subnet=f"{SUBNET}.0/24", gateway=f"{SUBNET}.1")])
        # Rules of a former lab, if an engine that was removed has left any, are then this one's own.
        options = {"com.docker.network.bridge.name": NAME}
        client.networks.create(NAME, ipam=pool, labels={LABEL: ""}, options=options)
    _start_registry(client, image)
    for node in lab.nodes:
        _start_node(client, image, node)
    while silent := [node.name for node in lab.nodes if not node.answers()]:
        task.detail(f"waiting for the engine of {', '.join(silent)}")
        if task.seconds > START_SECONDS:
            raise DeployError(
                f"The engine of {silent[0]} did not start within {START_SECONDS} s.",
                "See its log above; `python3 deploy.py lab down` takes everything away again.",
                _log(client, lab, silent[0]),
            )
        time.sleep(0.3)


def _log(client: docker.DockerClient, lab: Lab, name: str) -> list[str]:
    node = next(node for node in lab.nodes if node.name == name)
    text: bytes = client.containers.get(node.container).logs(tail=15)
    return text.decode(errors="replace").splitlines()


def _start_registry(client: docker.DockerClient, image: str) -> None:
    _switch_on(
        client, f"{NAME}-registry", REGISTRY_NUMBER, f"{SUBNET}.10",
        "--network-alias", REGISTRY.split(":")[0], "-v", f"{_volume(client, 'registry')}:/var/lib/registry",
        image, "registry",
    )  # fmt: skip


def _start_node(client: docker.DockerClient, image: str, node: Node) -> None:
    sockets = SOCKETS / str(node.number)
    sockets.mkdir(parents=True, exist_ok=True)
    SOCKETS.chmod(0o700)
    _switch_on(
        client, node.container, node.number, node.address,
        "--hostname", node.name, "-e", f"NODE_CGROUP={NAME}/{node.number}",
        *(f"--cap-add={capability}" for capability in CAPABILITIES),
        *(f"--security-opt={part}=unconfined" for part in ("seccomp", "apparmor", "systempaths")),
        "--device-cgroup-rule", "a *:* rwm", "--cgroupns", "host", "-v", f"{CGROUPS}:{CGROUPS}:rw",
        "-v", f"{sockets}:/run/lab", "-v", f"{_volume(client, str(node.number))}:/var/lib/docker",
        image, "node",
    )  # fmt: skip


def _volume(client: docker.DockerClient, name: str) -> str:
    return str(client.volumes.create(f"{NAME}-{name}", labels={LABEL: ""}).name)


def _switch_on(client: docker.DockerClient, name: str, number: int, address: str, *options: str) -> None:
    """Start a container of the lab at a fixed address, by `docker run` with options that docker-py lacks."""
    try:
        client.containers.get(name).start()
    except NotFound:
        command = ["docker", "run", "-d", "--name", name, "--label", f"{LABEL}={number}"]
        command += ["--network", NAME, "--ip", address, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _join(lab: Lab) -> None:
    """Make every node a manager of one Swarm; those that are in it already stay."""
    outside = [node for node in lab.nodes if node.client.info()["Swarm"]["LocalNodeState"] == "inactive"]
    inside = [node for node in lab.nodes if node not in outside]
    if not inside:
        inside = [outside.pop(0)]
        inside[0].client.swarm.init(advertise_addr=inside[0].address)
    token = lab.manager.swarm.attrs["JoinTokens"]["Manager"]
    for node in outside:
        node.client.swarm.join(
            remote_addrs=[f"{inside[0].address}:2377"], join_token=token, advertise_addr=node.address
        )


def take_away(node: Node) -> None:
    """Remove one node that has left the Swarm, with everything on it."""
    client = _local_engine()
    client.api.remove_container(node.container, force=True)
    client.volumes.get(f"{NAME}-{node.number}").remove()
    shutil.rmtree(SOCKETS / str(node.number))


def hand_over_images(client: docker.DockerClient, bases: base.Bases, to: Node, progress: Progress) -> None:
    """Copy the images that this machine has and the node needs, so that it need not build them."""
    needed = images.needed(monitoring=bool(settings.load().monitoring))
    names = {bases.debian, bases.traefik, *base.references(client, bases, needed).values()}
    ours = sorted(name for name in names if f"{STACK}/" in name and images.exists(client, name))
    lacking = [name for name in ours if not images.exists(to.client, name)]
    if not lacking:
        return
    with (
        progress.task(f"Copying {len(lacking)} image(s) to {to.name}"),
        subprocess.Popen(["docker", "save", *lacking], stdout=subprocess.PIPE) as saved,
    ):
        load = ["docker", "-H", to.docker_host, "load", "--quiet"]
        subprocess.run(load, stdin=saved.stdout, stdout=subprocess.DEVNULL, check=True)


def deploy(lab: Lab) -> None:
    """Run the project's own `up` against the lab, as a user with these nodes and a registry would.

    Raises DeployError where it fails.
    """
    if deployment(lab.nodes[0], "up", "--registry", REGISTRY, "--yes"):
        raise DeployError(
            "`up` did not succeed on the lab.",
            "It says why above. The nodes go on running: try again, or `python3 deploy.py lab down`.",
        )


def deployment(node: Node, *arguments: str) -> int:
    """Run `deploy.py` with these arguments against a node's engine; return its exit code."""
    with deploying(node, *arguments) as process:
        return process.wait()


def deploying(
    node: Node, *arguments: str, checkout: Path = ROOT, through: Sequence[str] = (), **more: Any
) -> subprocess.Popen[str]:
    """Start `deploy.py` of a checkout against a node's engine, `through` a command that starts it, if any."""
    # All voters come from this machine's one address.
    unlimited = {"NEW_VOTERS_PER_SECOND": "0"}
    own = {"PYTHONPATH": str(checkout / "stack"), "PYTHONUTF8": "1", "DOCKER_HOST": node.docker_host}
    command = [*through, sys.executable, "-m", "deployment", *arguments]
    return subprocess.Popen(command, cwd=checkout, env={**unlimited, **os.environ, **own}, text=True, **more)


def registry(client: docker.DockerClient) -> Container:
    """Return the lab's registry, a container of this machine's engine."""
    return client.containers.get(f"{NAME}-registry")


def _remove_cgroups() -> None:
    """Remove the groups that the nodes' engines made, of which there is one tree for each controller (v1)."""
    for tree in [CGROUPS / NAME, *CGROUPS.glob(f"*/{NAME}")]:
        for folder, _, _ in os.walk(tree, topdown=False):
            Path(folder).rmdir()
