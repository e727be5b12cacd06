"""Fixtures of the tests against a running stack."""

import os
from collections.abc import Iterator

import pytest

from deployment.configuration import settings
from deployment.configuration.layout import NAMESPACE
from deployment.configuration.settings import Settings
from kit.local import LocalStack, deploy, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those come last that leave the stack with other settings: each going back would take a minute."""
    items.sort(key=lambda item: "borrowed" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def chosen() -> Settings:
    return settings.load()


@pytest.fixture(scope="session")
def borrowed() -> Iterator[LocalStack]:
    """The stack that is up here, to be given other settings; at the end it is what it was before.

    CI takes it down instead.
    """
    found = running()
    before = routes(found)
    yield found
    if not os.environ.get("CI"):
        assert deploy(REDIS_TLS="no").returncode == 0
        assert routes(found) == before


def routes(local: LocalStack) -> dict[str, dict[str, str]]:
    """Return what Traefik is told of each service."""
    services = local.client.services.list(filters={"label": NAMESPACE})
    labels = {service.name: service.attrs["Spec"]["Labels"] for service in services}
    return {
        name: {key: value for key, value in of.items() if key.startswith("traefik.")}
        for name, of in labels.items()
    }
