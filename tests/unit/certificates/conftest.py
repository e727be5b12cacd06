"""Logs as these tests read them, whatever another service's tests have set up in the same process."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_of_their_own() -> None:
    structlog.reset_defaults()
