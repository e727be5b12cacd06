"""What every container of the stack that is up is held to, read from the kernel and from Swarm."""

import subprocess

import pytest
from docker.errors import APIError

from deployment.configuration.layout import NAMESPACE, STACK
from kit.local import LocalStack, running

SETUID = ("find", "/", "-xdev", "-type", "f", "-perm", "/6000")


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


def inside(container: str, *command: str) -> str:
    """Return what a command says in a container, run by its root."""
    run = ["docker", "exec", "--user", "root", container, *command]
    return subprocess.run(run, capture_output=True, text=True, check=False).stdout


def test_nobody_becomes_somebody_else(local: LocalStack) -> None:
    """No process can gain privileges, and no image has a program that would give any."""
    containers = local.client.containers.list(filters={"label": NAMESPACE}, ignore_removed=True)
    gaining = [c.name for c in containers if "NoNewPrivs:\t1\n" not in inside(c.id, "cat", "/proc/1/status")]
    one_of_each = {c.attrs["Config"]["Image"]: c for c in containers}.values()
    assert not gaining
    assert {c.name: inside(c.id, *SETUID) for c in one_of_each} == {c.name: "" for c in one_of_each}


def test_every_service_is_bounded(local: LocalStack) -> None:
    """Neither a leak of memory nor one of processes is for its neighbours to pay."""
    limits = {}
    for service in local.client.services.list(filters={"label": NAMESPACE}):
        given = service.attrs["Spec"]["TaskTemplate"]["Resources"]["Limits"]
        limits[service.name.removeprefix(f"{STACK}_")] = (given.get("MemoryBytes", 0), given.get("Pids", 0))
    assert limits
    assert not {name: given for name, given in limits.items() if 0 in given}


def test_no_image_is_asked_for_at_a_public_registry(local: LocalStack) -> None:
    """Before it starts a task, Swarm asks the registry in the image's name, unless that has a digest."""
    services = local.client.services.list(filters={"label": NAMESPACE})
    images = {s.attrs["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] for s in services}
    for image in images:
        if "@sha256:" in image:
            continue
        with pytest.raises(APIError, match=r"localhost:1.* connection refused"):
            local.client.api.inspect_distribution(image)
