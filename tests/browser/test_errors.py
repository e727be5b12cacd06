"""The pages that stand in for one that cannot be shown, under either host."""

import pytest

from browser.conftest import Open
from kit.chromium import load

pytestmark = pytest.mark.usefixtures("stack")


@pytest.mark.parametrize("path", ["nowhere", "errors/429", "errors/502", "errors/504", "maintenance"])
@pytest.mark.parametrize("host", ["vote", "result"])
def test_errors_look_like_the_page(visit: Open, urls: dict[str, str], host: str, path: str) -> None:
    opened = visit(urls[host] + path)
    ground = "getComputedStyle(document.body).backgroundColor"
    shown = opened.page.evaluate(ground)
    assert opened.accessibility() == ""
    opened.troubles.clear()  # The browser notes the status.
    load(opened.page, urls[host])
    assert opened.page.evaluate(ground) == shown
