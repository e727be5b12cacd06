"""The table of speed in docs/speed.md."""

from bench import table


def test_the_page_shows_what_was_recorded() -> None:
    assert table.page() == table.PAGE.read_text()
