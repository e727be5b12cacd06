"""Options of the fault suite, for `pytest` with any path or none, and what there can be only one of."""

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults", "the fault suite in the lab")
    group.addoption("--all-faults", action="store_true", help="every fault, not only those that CI runs")
    group.addoption("--runs", type=int, default=1, metavar="N", help="run each fault so often")
    group.addoption("--soak", metavar="LENGTH", help="faults in random order: 90s, 60m, 2h, all")
    group.addoption("--seed", type=int, help="the same order of faults again")
    group.addoption("--slack", type=float, default=3.0, metavar="FACTOR", help="stretch the limits of time")
    group.addoption("--results", metavar="FILE", help="add the results to this JSON file")
    group.addoption("--rate", type=int, metavar="N", help="votes a second, also where limits are stretched")
    group.addoption("--record", action="store_true", help="add the results to those the README shows")

    polls = parser.getgroup("polls", "a poll from its beginning to its end")
    polls.addoption("--delete-votes", action="store_true", help="the votes of the stack that is up may go")

    pages = parser.getgroup("pages", "the pages in a browser")
    pages.addoption("--screenshots", metavar="FOLDER", help="keep pictures of both pages there")


def pytest_configure(config: pytest.Config) -> None:
    # What a shell starts in the background ignores interrupts, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "long: what takes minutes, and runs with --all-faults alone")
    if config.getoption("record") and config.getoption("slack") > 1:
        raise pytest.UsageError("--record needs --slack 1: the table's limits are the promised ones")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("all_faults"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Drive browsers; a process can do so only once."""
    with sync_playwright() as driver:
        yield driver
