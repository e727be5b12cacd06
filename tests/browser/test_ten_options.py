"""Both pages with as many options as there can be, with long names and names in every direction."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.conftest import Open
from integration.services import GUNICORN, Service, free_port

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
            "REDIS_PASSWORD_FILE": str(tmp_path / "secret"),
            "COOKIE_KEY_FILE": str(tmp_path / "secret"),
        },
    )
    service.wait_ready("/healthz")
    yield service.url
    service.kill()


@pytest.mark.parametrize("width", [320, 1600])
def test_every_name_can_be_read(visit: Open, vote_page: str, width: int) -> None:
    opened = visit(vote_page, viewport={"width": width, "height": 800})
    expect(opened.page.locator(".name")).to_have_text(NAMES)
    assert not opened.overflows()
    assert opened.accessibility() == ""


def test_names_keep_their_own_direction(visit: Open, vote_page: str) -> None:
    page = visit(vote_page).page
    directions = page.locator(".name").evaluate_all("all => all.map(one => getComputedStyle(one).direction)")
    assert directions == ["rtl" if name in NAMES[2:4] else "ltr" for name in NAMES]
