"""A browser, and the stack that is up on this machine."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from deployment.configuration import settings
from kit import local
from kit.chromium import Visit, chromium
from kit.local import LocalStack

Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def stack() -> LocalStack:
    return local.running()


@pytest.fixture(scope="session")
def urls() -> dict[str, str]:
    return settings.load().urls


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright, dict.fromkeys(settings.load().hosts, "127.0.0.1")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Return a function that opens a page; none may complain, or ask another host for anything."""
    visits: list[Visit] = []

    def _open(url: str, **options: Any) -> Visit:
        opened = Visit(browser, options)
        visits.append(opened)
        opened.page.goto(url)
        return opened

    yield _open
    for opened in visits:
        opened.close()
    assert [trouble for opened in visits for trouble in opened.troubles] == []
    assert all(len(opened.hosts) == 1 for opened in visits), [opened.hosts for opened in visits]
