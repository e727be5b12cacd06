"""Letting redis-check-aof look at a copy of each Redis' append-only files: it opens them for writing."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import docker
from docker.errors import APIError
from docker.types import ContainerSpec, Mount, Resources, RestartPolicy, TaskTemplate

from deployment.configuration.layout import STACK
from deployment.engine.doctor import visit
from deployment.engine.swarm import services
from deployment.plan.cluster.topology import members

DATA = "/data"
# One copy at a time: the machine may be short of memory already, and the queue and the database are on it.
COPY, COPY_BYTES, MEMORY = "/copy", 256 << 20, 320 << 20
PARTS_FREE = 4
NOT_COPIED = 99
CHECK = (
    f"size=$(du -sk {DATA}/appendonlydir | cut -f1); "
    "free=$(sed -n 's/^MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo); "
    f'if [ "$size" -gt {COPY_BYTES >> 10} ] || [ $((size * {PARTS_FREE})) -gt "$free" ]; then '
    f'echo "they are $size kB, which is too much for a copy in memory"; exit {NOT_COPIED}; fi; '
    f"cp -r {DATA}/appendonlydir {COPY}/ || exit {NOT_COPIED}; "
    f"exec redis-check-aof {COPY}/appendonlydir/appendonly.aof.manifest"
)
SECONDS, POLL_SECONDS = 45.0, 0.3
# The server goes on: an entry may have been half there, or a file have been replaced by a smaller one.
ATTEMPTS = 3

Checked = tuple[int | None, str]
"""The exit code and what was printed; None where it could not be run, and why."""


def check(client: docker.DockerClient) -> dict[str, Checked]:
    """Check the files of every Redis of the stack, by its name."""
    found = {s["Spec"]["Name"].removeprefix(f"{STACK}_"): s for s in services.specifications(client)}
    return {name: _of_one(client, found[name]) for name in members("redis") if name in found}


def _of_one(client: docker.DockerClient, service: Mapping[str, Any]) -> Checked:
    running = client.api.tasks(filters={"service": service["ID"], "desired-state": "running"})
    nodes = [task["NodeID"] for task in running if task["Status"]["State"] == "running"]
    if not nodes:
        return None, "it does not run"
    checked: Checked = (None, "it was not run")
    deadline = time.monotonic() + SECONDS
    for _ in range(ATTEMPTS):
        checked = _run(client, service["Spec"]["TaskTemplate"]["ContainerSpec"], nodes[0], deadline)
        if checked[0] == 0 or time.monotonic() > deadline:
            break
    return checked


def _run(client: docker.DockerClient, container: Mapping[str, Any], node: str, deadline: float) -> Checked:
    volumes = [mount for mount in container.get("Mounts", ()) if mount["Target"] == DATA]
    template = TaskTemplate(
        ContainerSpec(
            container["Image"], command=["sh", "-c", CHECK], user=container.get("User"), read_only=True,
            healthcheck=visit.NO_HEALTH_CHECK,
            mounts=[
                *(Mount(DATA, v["Source"], read_only=True, labels=labels(v)) for v in volumes),
                Mount(COPY, None, type="tmpfs", tmpfs_size=COPY_BYTES, tmpfs_mode=0o1777),
            ],
        ),
        restart_policy=RestartPolicy("none"), placement={"Constraints": [f"node.id=={node}"]},
        resources=Resources(mem_limit=MEMORY),
    )  # fmt: skip
    try:
        with visit.visit(client, template) as service:
            code = _wait(client, service, deadline)
            said = "it did not end in time" if code is None else _said(client, service)
            return (None if code == NOT_COPIED else code), said
    except APIError as error:
        return None, str(error.explanation or error)


def labels(mount: Mapping[str, Any]) -> dict[str, str]:
    """Return a volume's labels: if its node has it no more, `down --volumes` finds the empty one."""
    return dict((mount.get("VolumeOptions") or {}).get("Labels") or {})


def _wait(client: docker.DockerClient, service: str, deadline: float) -> int | None:
    """Return the exit code, None if it does not end in time or never began."""
    while time.monotonic() < deadline:
        for task in client.api.tasks(filters={"service": service}):
            if task["Status"]["State"] in services.GONE:
                ended = task["Status"].get("ContainerStatus") or {}
                return int(ended["ExitCode"]) if "ExitCode" in ended else None
        time.sleep(POLL_SECONDS)
    return None


def _said(client: docker.DockerClient, service: str) -> str:
    parts: Sequence[bytes] = list(
        client.api.service_logs(service, stdout=True, stderr=True, follow=False, is_tty=False)
    )
    return b"".join(parts).decode(errors="replace")
