"""Pictures of both pages, for people to look at; `--screenshots FOLDER` keeps them."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.conftest import Open

pytestmark = [
    pytest.mark.usefixtures("stack"),
    pytest.mark.parametrize("routing", ["host"], indirect=True),
]

LOOKS: dict[str, dict[str, object]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1100, "height": 720}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1100, "height": 720}},
    "phone": {"viewport": {"width": 360, "height": 720}, "device_scale_factor": 2},
}


@pytest.fixture
def folder(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    return Path(pytestconfig.getoption("screenshots") or tmp_path)


@pytest.mark.parametrize("look", LOOKS)
def test_of_the_vote(visit: Open, urls: dict[str, str], folder: Path, look: str) -> None:
    page = visit(urls["vote"], **LOOKS[look]).page
    page.locator("button[value=a]").click()
    expect(page.locator("form")).to_have_attribute("data-state", "recorded")
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    assert len(page.screenshot(path=folder / f"vote-{look}.png", animations="disabled")) > 5000


@pytest.mark.parametrize("look", LOOKS)
def test_of_the_result(visit: Open, urls: dict[str, str], folder: Path, look: str) -> None:
    page = visit(urls["result"], **LOOKS[look]).page
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    expect(page.locator("#watching")).not_to_have_text("0")
    assert len(page.screenshot(path=folder / f"result-{look}.png", animations="disabled")) > 5000


def test_of_the_big_screen(visit: Open, urls: dict[str, str], folder: Path) -> None:
    page = visit(urls["result"], color_scheme="dark", viewport={"width": 1600, "height": 900}).page
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    page.locator("#full").click()
    page.wait_for_function("document.fullscreenElement !== null")
    page.mouse.move(0, 0)
    assert len(page.screenshot(path=folder / "result-big-screen.png", animations="disabled")) > 5000
