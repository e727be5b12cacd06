"""What `up` looks at before it decides anything."""

import pytest

from deployment.configuration.settings import Settings
from deployment.engine.machine import engine
from deployment.operations import up
from deployment.progress import Progress


@pytest.mark.parametrize(
    ("installed", "start", "seen"),
    [
        (True, True, "its engine"),
        (True, False, None),
        (False, True, None),
    ],
)
def test_looks_into_an_engine_that_stood_still(
    monkeypatch: pytest.MonkeyPatch, installed: bool, start: bool, seen: str | None
) -> None:
    """It may be in a Swarm, with a stack and its data; a dry run starts nothing."""
    monkeypatch.setattr(engine, "connect", lambda: None)
    monkeypatch.setattr(engine, "installed", lambda: installed)
    monkeypatch.setattr(engine, "install", lambda _: "its engine")
    site = up.site(Settings(), Progress(quiet=True), install_engine=True, start=start)
    assert site.client == seen
