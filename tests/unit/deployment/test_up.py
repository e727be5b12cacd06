"""What `up` looks at before it decides anything."""

import pytest

from deployment import engine, up
from deployment.progress import Progress
from deployment.settings import Settings


class _LookedError(Exception):
    pass


@pytest.mark.parametrize(
    ("installed", "dry_run", "seen"),
    [
        (True, False, "its engine"),
        (True, True, None),
        (False, False, None),
    ],
)
def test_looks_into_an_engine_that_stood_still(
    monkeypatch: pytest.MonkeyPatch, installed: bool, dry_run: bool, seen: str | None
) -> None:
    """It may be in a Swarm, with a stack and its data; a dry run starts nothing."""
    looked: list[object] = []

    def observe(client: object, _: Settings) -> None:
        looked.append(client)
        raise _LookedError

    monkeypatch.setattr(engine, "connect", lambda: None)
    monkeypatch.setattr(engine, "installed", lambda: installed)
    monkeypatch.setattr(engine, "install", lambda _: "its engine")
    monkeypatch.setattr(up, "observe", observe)

    with pytest.raises(_LookedError):
        up.up(Settings(), Progress(quiet=True), install_engine=True, dry_run=dry_run)

    assert looked == [seen]
