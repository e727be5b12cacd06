"""The project's images, as `deploy.py up` built them."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

from deployment.engine.images import base, images
from deployment.engine.machine import engine
from deployment.progress import Progress

MONITORING = {component.name: component for component in images.COMPONENTS if component.monitoring}


def reference(component: str) -> str:
    """Return the name of a component's image, or of `traefik`; without it fail in CI, skip elsewhere.

    Those of the monitoring are built where they are missing: `up` makes them only where the stack is watched.
    """
    client = engine.connect()
    name = _names().get(component) if client else None
    if client and name and component in MONITORING and not images.exists(client, name):
        _build(MONITORING[component].context, name)
    if name is None or not images.exists(client, name):
        absent(f"no image of {component} as it is in this checkout: run `python3 deploy.py up` first")
    return name


@cache
def _names() -> Mapping[str, str]:
    """Return the images' names by component, once: they come from the content of every file."""
    client = engine.connect()
    bases = base.present(client) if client else None
    return {c.name: name for c, name in base.references(client, bases).items()} if bases else {}


def built(folder: str) -> str:
    """Build an image of the kit on the base image, unless nothing has changed, and return its name."""
    name = f"vote-app/test-{folder}:latest"
    _build(Path(__file__).parent / folder, name)
    return name


def _build(folder: Path, name: str) -> None:
    client = engine.require()
    bases = base.present(client)
    if bases is None:
        absent("no base image of Debian: run `python3 deploy.py up` first")
    with Progress(quiet=True).task(name) as task:
        images.build(client, folder, name, bases.debian, task)


def absent(reason: str) -> NoReturn:
    """Fail in CI, where nothing may be missing; skip with the reason on a user's machine."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
