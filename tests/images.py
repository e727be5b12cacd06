"""The project's images, as `deploy.py up` built them."""

import os
from typing import NoReturn

import pytest

from deployment import base, engine


def reference(component: str) -> str:
    """Return the name of a component's image; without engine or image fail in CI, skip elsewhere."""
    if given := os.environ.get(f"VOTE_APP_IMAGE_{component.upper()}"):
        return given
    client = engine.connect()
    bases = base.present(client) if client else None
    if client is None or bases is None:
        absent("no images to test here: run `python3 deploy.py up` first")
    names = {c.name: name for c, name in base.references(client, bases).items()}
    return names[component]


def absent(reason: str) -> NoReturn:
    """Fail in CI, where nothing may be missing; skip with the reason on a user's machine."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
