"""Letting redis-check-aof look at a copy of each Redis' append-only files: it opens them for writing."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import docker
from docker.errors import APIError
from docker.types import ContainerSpec, Mount, RestartPolicy, TaskTemplate

from deployment.configuration.layout import STACK
from deployment.engine.doctor import errand
from deployment.engine.swarm import services
from deployment.plan.cluster.topology import members

DATA = "/data"
COPY, COPY_BYTES = "/copy", 1 << 30
NOT_COPIED = 99
CHECK = (
    f"cp -r {DATA}/appendonlydir {COPY}/ || exit {NOT_COPIED}; "
    f"exec redis-check-aof {COPY}/appendonlydir/appendonly.aof.manifest"
)
SECONDS, POLL_SECONDS = 45.0, 0.3
# The server goes on: an entry may have been half there, or a file have been replaced by a smaller one.
ATTEMPTS = 3
ENDED = ("complete", "failed", "rejected", "shutdown", "orphaned")

Checked = tuple[int | None, str]
"""The exit code and what was printed; None where it could not be run, and why."""


def check(client: docker.DockerClient) -> dict[str, Checked]:
    """Check the files of every Redis of the stack, by its name."""
    found = {s["Spec"]["Name"].removeprefix(f"{STACK}_"): s for s in services.specifications(client)}
    asked = [name for name in members("redis") if name in found]
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        return dict(zip(asked, pool.map(partial(_of_one, client), (found[n] for n in asked)), strict=True))


def _of_one(client: docker.DockerClient, service: Mapping[str, Any]) -> Checked:
    running = client.api.tasks(filters={"service": service["ID"], "desired-state": "running"})
    nodes = [task["NodeID"] for task in running if task["Status"]["State"] == "running"]
    if not nodes:
        return None, "it does not run"
    checked: Checked = (None, "it was not run")
    for _ in range(ATTEMPTS):
        checked = _run(client, service["Spec"]["TaskTemplate"]["ContainerSpec"], nodes[0])
        if checked[0] == 0:
            break
    return checked


def _run(client: docker.DockerClient, container: Mapping[str, Any], node: str) -> Checked:
    volumes = [mount["Source"] for mount in container.get("Mounts", ()) if mount["Target"] == DATA]
    template = TaskTemplate(
        ContainerSpec(
            container["Image"], command=["sh", "-c", CHECK], user=container.get("User"), read_only=True,
            healthcheck=errand.NO_HEALTH_CHECK,
            mounts=[
                *(Mount(DATA, volume, read_only=True) for volume in volumes),
                Mount(COPY, None, type="tmpfs", tmpfs_size=COPY_BYTES, tmpfs_mode=0o1777),
            ],
        ),
        restart_policy=RestartPolicy("none"), placement={"Constraints": [f"node.id=={node}"]},
    )  # fmt: skip
    try:
        with errand.errand(client, template) as service:
            code = _wait(client, service)
            said = "it did not end in time" if code is None else _said(client, service)
            return (None if code == NOT_COPIED else code), said
    except APIError as error:
        return None, str(error.explanation or error)


def _wait(client: docker.DockerClient, service: str) -> int | None:
    """Return the exit code, None if it does not end in time or never began."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for task in client.api.tasks(filters={"service": service}):
            if task["Status"]["State"] in ENDED:
                ended = task["Status"].get("ContainerStatus") or {}
                return int(ended["ExitCode"]) if "ExitCode" in ended else None
        time.sleep(POLL_SECONDS)
    return None


def _said(client: docker.DockerClient, service: str) -> str:
    parts: Sequence[bytes] = list(
        client.api.service_logs(service, stdout=True, stderr=True, follow=False, is_tty=False)
    )
    return b"".join(parts).decode(errors="replace")
