"""Fixtures of the tests against a running stack."""

import pytest

from deployment import settings
from deployment.settings import Settings


@pytest.fixture(scope="session")
def chosen() -> Settings:
    return settings.load()
