"""What a voter gets while the operators have paused the voting."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import ServiceUnavailable

STATE = "maintenance"
"""The intake's word for it."""
RETRY_AFTER_SECONDS = 30
HEADER = ("Vote-Intake", STATE)
"""By it the page's script and the monitoring tell this from a failure."""


class Maintenance(ServiceUnavailable):
    """No page and no vote for now; `description` says which of the two was asked for."""

    def __init__(self, description: str) -> None:
        super().__init__(description, retry_after=RETRY_AFTER_SECONDS)

    def get_headers(self, *args: Any, **more: Any) -> list[tuple[str, str]]:
        """Return the headers of the page that says so."""
        return [*super().get_headers(*args, **more), HEADER]
