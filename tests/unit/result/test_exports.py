from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from flask import Flask

from result.exports import COLOURS, FIELD_HEIGHT, FIELD_TOP, contents, harmless, rows, shortened, table
from result.scores import Bar, Reading, State
from result.snapshot import Snapshot

PATHS = ("/results.json", "/results.csv", "/results.svg")


def bars_of(number: int) -> list[Bar]:
    return [Bar("abcdefghij"[n], f"Name {n}", n, 100.0 * n / number) for n in range(number)]


def test_programs_are_told_everything() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
    bars = [Bar("a", "Cats", 2, 200 / 3), Bar("b", "Dogs", 1, 100 / 3)]
    assert contents(Snapshot("Result", "\u2068Cats\u2069?", bars, 3, State.LIVE, at)) == {
        "title": "Result",
        "question": "Cats?",
        "options": [
            {"key": "a", "name": "Cats", "votes": 2, "percent": 66.7},
            {"key": "b", "name": "Dogs", "votes": 1, "percent": 33.3},
        ],
        "total": 3,
        "state": "live",
        "poll": {"number": 1, "state": "open", "closes": 0, "checksum": "", "paused": False},
        "at": "2026-01-02T03:04:05+00:00",
    }


@pytest.mark.parametrize(
    ("name", "written"),
    [("Cats", "Cats"), ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("a=b", "a=b")],
)
def test_no_name_is_a_formula(name: str, written: str) -> None:
    assert harmless(name) == written


def test_the_table_can_be_read_again() -> None:
    bars = [Bar("a", '"Cats", or so', 2, 200 / 3), Bar("b", "=Dogs", 1, 100 / 3)]
    assert list(csv.reader(io.StringIO(table(bars)))) == [
        ["key", "name", "votes", "percent"],
        ["a", '"Cats", or so', "2", "66.7"],
        ["b", "'=Dogs", "1", "33.3"],
    ]


@pytest.mark.parametrize(
    ("text", "room", "short"),
    [
        ("", 3, ""),
        ("Cats", 4, "Cats"),
        ("Cattle", 4, "Cat…"),
        ("Ca ttle", 4, "Ca…"),
        ("猫猫", 4, "猫猫"),
        ("猫猫猫", 4, "猫…"),
        ("猫猫猫", 5, "猫猫…"),
    ],
)
def test_long_texts_are_cut(text: str, room: int, short: str) -> None:
    assert shortened(text, room) == short


@pytest.mark.parametrize("number", range(2, 11))
def test_rows_share_the_field(number: int) -> None:
    laid = rows(bars_of(number))
    assert [row.bar.key for row in laid] == list("abcdefghij"[:number])
    assert len({row.colour for row in laid}) == number
    edges = [edge for row in laid for edge in (row.text_y, row.bar_y, row.bar_y + row.bar_height)]
    assert edges == sorted(edges)
    assert edges[0] - laid[0].text_size >= FIELD_TOP - 1
    assert edges[-1] <= FIELD_TOP + FIELD_HEIGHT
    assert laid[number // 2].width == pytest.approx(1100 * (number // 2) / number)


def test_the_picture_has_the_colours_of_the_page(app: Flask) -> None:
    style = app.test_client().get("/static/page.css").text
    for place, colour in enumerate(COLOURS, start=1):
        assert f".option-{place} {{ --colour: {colour}; }}" in style


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_said_before_anything_is_known(app: Flask, source: Any, path: str) -> None:
    source.reading = None
    app.extensions["feed"].turn()
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "not known yet" in answer.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/results.json", "application/json"),
        ("/results.csv", "text/csv; charset=utf-8"),
        ("/results.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_the_last_known_is_told_also_while_numbers_wait(
    app: Flask, source: Any, path: str, kind: str
) -> None:
    source.reading = Reading({"a": 3, "b": 1}, 0.0)
    app.extensions["feed"].turn()
    source.reading = None
    app.extensions["feed"].turn()
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.content_type) == (200, kind)
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "Accept-Language" in answer.headers["Vary"]
    for part in ("Cats", "Dogs", "75.0", "25.0"):
        assert part in answer.text


def test_the_picture_is_sound_whatever_the_names(make_app: Any) -> None:
    names = ["<b>&\"'", "\u05db\u05dc\u05d1", *(f"{n}{'猫' * 50}" for n in range(8))]
    app = make_app(vote_options=",".join(names), title="<T>", question="?" * 200)
    app.extensions["feed"].turn()
    svg = app.test_client().get("/results.svg", headers={"Accept-Language": "fr"}).text
    texts = [each.text or "" for each in Xml.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "<T>"
    assert texts[1] == "?" * 49 + "…"
    assert texts[2:4] == ["<b>&\"'", "0,0\u202f% · 0"]
    assert texts[4] == "\u2068\u05db\u05dc\u05d1\u2069"
    assert texts[6].endswith("猫…")
    assert " style=" not in svg
