"""A browser, and the pages in each routing: of the stack that is up, and of one of each service."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Playwright, expect

from deployment.configuration import settings
from kit import local
from kit.chromium import Visit, chromium, load
from kit.edge import PORT
from kit.one_of_each import one_of_each
from kit.routes import routes

Open = Callable[..., Visit]

# What a busy machine may need; a page that never shows it fails all the same.
expect.set_options(timeout=20_000)


class Pages(NamedTuple):
    """Where both pages are, by name, and the address of each host."""

    urls: dict[str, str]
    addresses: Mapping[str, str]


@pytest.fixture(scope="package", params=["host", "path"])
def routing(request: pytest.FixtureRequest) -> str:
    """A host for each page, as the stack has them that is up here; or one host with a path for each."""
    return str(request.param)


@pytest.fixture(scope="package")
def pages(routing: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    if routing == "host":
        chosen = settings.load()
        yield Pages(chosen.urls, dict.fromkeys(chosen.hosts, "127.0.0.1"))
        return
    told = routes(routing, PORT)
    with one_of_each(tmp_path_factory.mktemp("edge"), told) as edge:
        yield Pages(told.urls, {told.environment["VOTE_HOST"]: edge})


@pytest.fixture(scope="package")
def stack(routing: str) -> None:
    """Be sure that the stack is at full strength, where it has the pages."""
    if routing == "host":
        local.running()


@pytest.fixture
def urls(pages: Pages) -> dict[str, str]:
    return pages.urls


@pytest.fixture(scope="package")
def browser(playwright: Playwright, pages: Pages) -> Iterator[Browser]:
    with chromium(playwright, pages.addresses) as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Return a function that opens a page; none may complain, or ask another host for anything."""
    visits: list[Visit] = []

    def _open(url: str, **options: Any) -> Visit:
        opened = Visit(browser, options)
        visits.append(opened)
        load(opened.page, url)
        return opened

    yield _open
    for opened in visits:
        opened.close()
    assert [trouble for opened in visits for trouble in opened.troubles] == []
    assert all(len(opened.hosts) == 1 for opened in visits), [opened.hosts for opened in visits]
