"""Who can connect to whom: every pair of services of the stack that is up is tried."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration.layout import STACK
from kit.images import absent
from kit.local import LocalStack, running

REDIS = ("redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3")
POSTGRES = ("postgres-1", "postgres-2", "postgres-3")
# Who has business with each other. Behind its proxies a cluster's nodes share a network, with the observer.
NEIGHBOURS = (
    ("traefik", "docker-proxy"),
    ("traefik", "vote"),
    ("traefik", "result"),
    ("traefik", "certificates"),
    ("certificates", "pgpool"),
    ("vote", "redis-proxy"),
    ("worker", "redis-proxy"),
    ("worker", "pgpool"),
    ("result", "pgpool"),
    (*REDIS, "redis-proxy", "observer"),
    (*POSTGRES, "pgpool", "observer"),
)
# Where the stack is watched, who watches joins networks that are there; nobody joins one for it.
MONITORING = (
    *("prometheus", "alertmanager"),
    *("node-exporter", "postgres-exporter", "redis-exporter", "swarm-exporter"),
)
WATCHERS = (*MONITORING, "prober")
WATCHING = (
    MONITORING,
    ("prometheus", "traefik", "vote"),
    ("prometheus", "prober", "traefik", "result"),
    ("prometheus", "worker", "pgpool"),
    ("prometheus", "redis-exporter", *REDIS, "redis-proxy", "observer"),
    ("postgres-exporter", *POSTGRES, "pgpool", "observer"),
    ("swarm-exporter", "traefik", "docker-proxy"),
)
SWARM_PORT = 2377
LISTENS = "0A"
# Tries every address at once from a container's own network, and prints those that let it in. Whoever has a
# way out must not take it: what answers there may be a gateway that takes every connection.
TRY = """
import asyncio, json, socket, sys
async def lets_in(host, port, direct):
    with socket.socket() as ours:
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, direct)
        try:
            async with asyncio.timeout(3):
                await asyncio.get_running_loop().sock_connect(ours, (host, port))
        except OSError:
            return False
    return True
async def main(targets, direct):
    answers = await asyncio.gather(*(lets_in(*target, direct) for target in targets))
    print(json.dumps([target for target, answer in zip(targets, answers) if answer]))
asyncio.run(main(*json.load(sys.stdin)))
"""

Target = tuple[str, int]


@dataclass(frozen=True)
class Task:
    """One running container of a service."""

    service: str
    described: dict[str, Any]

    @cached_property
    def pid(self) -> int:
        return int(self.described["State"]["Pid"])

    @cached_property
    def targets(self) -> list[Target]:
        """Every address and port that it listens at on the stack's networks."""
        networks = self.described["NetworkSettings"]["Networks"]
        addresses = [n["IPAddress"] for name, n in networks.items() if name.startswith(f"{STACK}_")]
        return [(address, port) for address in addresses for port in sorted(set(self._ports()))]

    def _ports(self) -> Iterator[int]:
        for file in ("tcp", "tcp6"):
            for line in Path(f"/proc/{self.pid}/net/{file}").read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                address, _, port = local.partition(":")
                if state == LISTENS and not _is_loopback(address):
                    yield int(port, 16)

    def reached(self, targets: list[Target], *, direct: bool = True) -> set[Target]:
        """Return those of the targets that let it in; `direct`: on its own networks."""
        command = ["nsenter", "--target", str(self.pid), "--net", sys.executable, "-c", TRY]
        done = subprocess.run(
            command, input=json.dumps([targets, direct]), capture_output=True, text=True, check=True
        )
        return {(host, port) for host, port in json.loads(done.stdout)}


def _is_loopback(address: str) -> bool:
    """Whether an address, as the kernel lists it, is one that only the container itself reaches."""
    words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
    return ip_address(b"".join(words)).is_loopback


EVERYBODY = sorted({name for group in (*NEIGHBOURS, *WATCHING) for name in group})


@pytest.fixture(scope="module")
def services() -> list[str]:
    """The names of all that the stack has."""
    return sorted(service["name"] for service in running().status()["services"])


@pytest.fixture(scope="module")
def watched(services: list[str]) -> bool:
    return "prometheus" in services


@pytest.fixture(scope="module")
def tasks(services: list[str]) -> dict[str, Task]:
    """One task of each service, at full strength."""
    if os.geteuid():
        absent("only root can look from inside a container's network")
    stack = running()
    described = {name: stack.client.api.inspect_container(stack.container(name)) for name in services}
    return {name: Task(name, found) for name, found in described.items()}


def test_the_table_names_every_service(services: list[str], watched: bool) -> None:
    assert services == (EVERYBODY if watched else sorted({*EVERYBODY} - {*WATCHERS}))


@pytest.mark.parametrize("source", EVERYBODY)
def test_only_who_has_business_with_another_can_connect(
    tasks: dict[str, Task], watched: bool, source: str
) -> None:
    if source not in tasks:
        return
    others = {name: task.targets for name, task in tasks.items() if name != source}
    reached = tasks[source].reached([target for targets in others.values() for target in targets])
    found = {name for name, targets in others.items() if reached & set(targets)}
    groups = (*NEIGHBOURS, *WATCHING) if watched else NEIGHBOURS
    neighbours = {name for group in groups if source in group for name in group} - {source}
    assert found == {name for name in neighbours if tasks[name].targets}


def test_who_has_a_way_out(tasks: dict[str, Task], watched: bool) -> None:
    """To clients, to an ACME server, and to who is told of alerts."""
    stack: LocalStack = running()
    host = (str(stack.client.info()["Swarm"]["NodeAddr"]), SWARM_PORT)
    found = {name for name, task in tasks.items() if task.reached([host], direct=False)}
    assert found == {"traefik", "certificates"} | ({"alertmanager"} if watched else set())
