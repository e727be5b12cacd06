"""Both pages with as many options as there can be, with long names and names in every direction."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from browser.conftest import Open
from kit.chromium import MOST_KILOBYTES, Visit
from kit.containers import Container
from kit.images import reference
from kit.services import GUNICORN, Service, free_port
from kit.waiting import wait_until

pytestmark = pytest.mark.parametrize("routing", ["host"], indirect=True)

NAMES = [
    "Cats",
    "Donaudampfschifffahrtsgesellschaftskapitänswitwenrente",
    "قطط وكلاب",
    "חתולים",
    "犬と猫のどちらがいいですか",
    "<b>Bold</b> & sons",
    "Ελληνικά",
    "Кошки",
    "e",
    "x" * 60,
]


@pytest.fixture
def vote_page(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "secret").write_text("hush")
    service = Service(
        "vote",
        (*GUNICORN, "vote:create_app()"),
        {
            "PORT": str(free_port()),
            "VOTE_OPTIONS": ",".join(NAMES),
            "QUESTION": "مَن؟ Who?",
            "REDIS_TLS": "no",
            "REDIS_PASSWORD_FILE": str(tmp_path / "secret"),
            "COOKIE_KEY_FILE": str(tmp_path / "secret"),
        },
    )
    try:
        service.wait_ready("/healthz")
        yield service.url
    finally:
        service.kill()


@pytest.fixture
def result_page() -> Iterator[str]:
    settings = f"DATABASE_PASSWORD_FILE=/etc/hostname VOTE_OPTIONS={shlex.quote(','.join(NAMES))}"
    container = Container(
        reference("result"), 8080, "bash", "-c", f"exec env {settings} gunicorn 'result:create_app()'"
    )
    host, port = container.address
    try:
        wait_until(lambda: _serves(f"http://{host}:{port}/healthz"))
        yield f"http://{host}:{port}/"
    finally:
        container.remove()


def _serves(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


@pytest.mark.parametrize("width", [320, 1600])
def test_every_name_can_be_voted_for(vote_page: str, visit: Open, width: int) -> None:
    _everything_can_be_read(visit(vote_page, viewport={"width": width, "height": 800}))


@pytest.mark.parametrize("width", [320, 1600])
def test_every_name_can_be_watched(result_page: str, visit: Open, width: int) -> None:
    _everything_can_be_read(visit(result_page, viewport={"width": width, "height": 800}))


def _everything_can_be_read(opened: Visit) -> None:
    expect(opened.page.locator(".name")).to_have_text(NAMES)
    assert not opened.overflows()
    assert opened.accessibility() == ""
    assert opened.kilobytes() < MOST_KILOBYTES


def test_names_keep_their_own_direction(vote_page: str, visit: Open) -> None:
    page = visit(vote_page).page
    directions = page.locator(".name").evaluate_all("all => all.map(one => getComputedStyle(one).direction)")
    assert directions == ["rtl" if name in NAMES[2:4] else "ltr" for name in NAMES]
