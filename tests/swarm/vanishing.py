"""A vote that vanishes from the queue of a stack although it was acknowledged, and comes back."""

import json
from typing import Any

from deployment.configuration.layout import STACK
from kit.containers import docker
from kit.local import LocalStack
from kit.waiting import wait_until
from seed.door import Door
from worker.stream import STREAM

VOTES = 20
SECONDS = 60
# As a worker may.
REDIS = """
export REDISCLI_AUTH=$(cat /run/secrets/redis_worker_password)
[[ ${REDIS_TLS} == yes ]] && tls='--tls --insecure'
exec redis-cli --json --user worker ${tls:-} "$@"
"""
RETURN = """
import json, sys
from vote import settings
from vote.connection import STREAM, Dialler
connection = Dialler(settings.load()).open()
connection._ask(("VOTES.REPLAY", STREAM, *json.loads(sys.argv[1])))
"""


def vanish(local: LocalStack, door: Door) -> list[str]:
    """Delete an entry of the queue while no worker runs; return its fields, names and values in turn."""
    (workers,) = [s for s in local.client.services.list() if s.name == f"{STACK}_worker"]
    wanted = workers.attrs["Spec"]["Mode"]["Replicated"]["Replicas"]
    workers.scale(0)
    try:
        wait_until(lambda: not running_workers(local), SECONDS)
        assert {door.post("vote=a").status for _ in range(VOTES)} == {200}
        entry, fields = next(
            found for found in redis(local, "XRANGE", STREAM, "-", "+") if "numbers" in found[1]
        )
        assert redis(local, "XDEL", STREAM, entry) == 1
    finally:
        workers.reload()
        workers.scale(wanted)
    return [str(each) for each in fields]


def come_back(local: LocalStack, entry: list[str]) -> None:
    """Put an entry into the queue again, as a process of `vote` does that heard of a new primary."""
    program = ("python", "-c", RETURN, json.dumps(entry))
    docker("exec", local.container("vote"), *program)


def running_workers(local: LocalStack) -> bool:
    label = {"label": f"com.docker.swarm.service.name={STACK}_worker", "status": "running"}
    return bool(local.client.api.containers(filters=label))


def redis(local: LocalStack, *command: str) -> Any:
    """Return what the primary of the queue answers to a command."""
    primary = local.container(local.status()["redis"]["primary"])
    return json.loads(docker("exec", primary, "bash", "-c", REDIS, "redis", *command))
