"""The result as files: for programs, for spreadsheets, and as a picture."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from flask import Blueprint, Response, current_app, jsonify, render_template
from werkzeug.exceptions import NotFound, ServiceUnavailable

from result.feed import Feed
from result.scores import Bar, rounded
from result.snapshot import Snapshot, language, present
from result.words import END_OF_ISOLATE, ISOLATE, Words, isolated

RETRY_SECONDS = 2
COLOURS = (
    *("#2b59c3", "#d2570a", "#2c9a5b", "#b04ab6", "#c08a0e"),
    *("#0f98a5", "#dc3f77", "#7e9446", "#7d73ee", "#9b7460"),
)
FIELD_TOP, FIELD_HEIGHT, FIELD_WIDTH, HIGHEST_ROW = 140, 420, 1100, 150

blueprint = Blueprint("exports", __name__)


class Row(NamedTuple):
    """One option in the picture, in the picture's units."""

    bar: Bar
    name: str
    colour: str
    width: float
    text_y: float
    text_size: float
    bar_y: float
    bar_height: float


@blueprint.get("/results.json")
def as_json() -> Response:
    """Return the result for programs."""
    return _fresh(jsonify(contents(_known()[0])))


@blueprint.get("/results.csv")
def as_csv() -> Response:
    """Return the result for spreadsheets."""
    return _fresh(Response(table(_known()[0].bars), mimetype="text/csv"))


@blueprint.get("/archive.json")
def archived() -> Response:
    """Return the archive of the last poll that has one, byte for byte as its checksum was made."""
    feed: Feed = current_app.extensions["feed"]
    if feed.poll.archive is None:
        raise NotFound("no_archive")
    return _fresh(Response(feed.poll.archive.document, mimetype="application/json"))


@blueprint.get("/results.svg")
def as_picture() -> Response:
    """Return the result as a picture that needs nothing else."""
    snapshot, words = _known()
    svg = render_template(
        "result.svg",
        language=language(),
        words=words,
        snapshot=snapshot,
        title=shortened(snapshot.title, 80),
        question=shortened(plain(snapshot.question), 50),
        rows=rows(snapshot.bars),
    )
    return _fresh(Response(svg, mimetype="image/svg+xml"))


def contents(snapshot: Snapshot) -> dict[str, object]:
    """Return what programs are told."""
    return {
        "title": snapshot.title,
        "question": plain(snapshot.question),
        "options": [bar._asdict() | {"percent": rounded(bar.percent)} for bar in snapshot.bars],
        "total": snapshot.total,
        "state": snapshot.state.value,
        "poll": snapshot.poll.told(),
        "at": snapshot.at.isoformat(timespec="seconds"),
    }


def table(bars: Sequence[Bar]) -> str:
    """Return comma-separated values with a header."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(Bar._fields)
    writer.writerows((bar.key, harmless(bar.name), bar.votes, f"{rounded(bar.percent):.1f}") for bar in bars)
    return lines.getvalue()


def harmless(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula."""
    # Full-width signs count as well.
    return f"'{name}" if unicodedata.normalize("NFKC", name)[:1] in set("=+-@") else name


def plain(sentence: str) -> str:
    """Return a sentence for programs to read: without the marks of directions."""
    return sentence.replace(ISOLATE, "").replace(END_OF_ISOLATE, "")


def shortened(text: str, room: int) -> str:
    """Return a text cut to the room for so many narrow letters; a wide letter takes the room of two."""
    ends = list(accumulate(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text))
    if not ends or ends[-1] <= room:
        return text
    return text[: sum(end < room for end in ends)].rstrip() + "…"


def rows(bars: Sequence[Bar]) -> list[Row]:
    """Return where the picture shows each option: its name above its bar, all of them in the field."""
    height = min(HIGHEST_ROW, FIELD_HEIGHT / len(bars))
    top = FIELD_TOP + (FIELD_HEIGHT - height * len(bars)) / 2
    return [
        Row(
            bar=bar,
            name=isolated(shortened(bar.name, 40 if height > 60 else 60)),
            colour=colour,
            width=FIELD_WIDTH * bar.percent / 100,
            text_y=top + height * (number + 0.45),
            text_size=min(34, height * 0.45),
            bar_y=top + height * (number + 0.55),
            bar_height=height * 0.3,
        )
        for number, (bar, colour) in enumerate(zip(bars, COLOURS, strict=False))
    ]


def _known() -> tuple[Snapshot, Words]:
    """Return what is known now, or answer that nothing is."""
    feed: Feed = current_app.extensions["feed"]
    if feed.scores is None:
        raise ServiceUnavailable("not_known", retry_after=RETRY_SECONDS)
    return present()


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept-Language")
    return response
