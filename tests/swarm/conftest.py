"""Fixtures of the tests against a running stack."""

import pytest

from deployment.configuration import settings
from deployment.configuration.settings import Settings


@pytest.fixture(scope="session")
def chosen() -> Settings:
    return settings.load()
