"""As many votes as can be had: wrk, whose every connection waits for its answer before it goes on."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from deployment.configuration.layout import STACK
from deployment.engine.images import base, images
from deployment.engine.machine import engine
from deployment.progress import Progress
from kit.containers import docker

IMAGE = f"{STACK}/bench-load:latest"
CONTEXT = Path(__file__).parent / "load"
CONNECTIONS = 32
THREADS = 1


class RefusedError(Exception):
    """Some requests failed or were refused, so that the rate says nothing."""


def build(progress: Progress) -> None:
    """Build the image that wrk runs in."""
    client = engine.connect()
    bases = base.present(client) if client else None
    if not client or not bases:
        raise SystemExit("The images are not there: run `python3 deploy.py up` first.")
    with progress.task("Building the load generator") as task:
        images.build(client, CONTEXT, IMAGE, bases.debian, task)


def run(network: str, url: str, cookies: Sequence[str], seconds: float) -> float:
    """Return how many votes a second 32 connections bring to a container of a network; raise RefusedError."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "cookies").write_text("\n".join(cookies) + "\n")
        printed = docker(
            *("run", "--rm", "--network", network, "--volume", f"{folder}:/load:ro", IMAGE),
            *("--connections", str(CONNECTIONS), "--threads", str(THREADS)),
            *("--duration", f"{seconds:.0f}s", "--timeout", "15s", "--script", "/vote.lua", url),
        )
    brought = json.loads(printed.splitlines()[-1])
    if brought["failed"] or not brought["answered"]:
        raise RefusedError(f"{url}: {brought['failed']} of {brought['answered']} requests failed")
    return float(brought["answered"] / brought["seconds"])
