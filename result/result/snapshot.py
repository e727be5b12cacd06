"""Everything known at one moment, in one language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from flask import current_app, request

from result.attention import Attention
from result.feed import Feed
from result.poll import FIRST, Poll
from result.scores import Bar, State, bars, complete
from result.settings import Settings
from result.words import LANGUAGES, Words, language_of, question_of


class Snapshot(NamedTuple):
    """What a page or a file shows."""

    title: str
    question: str
    bars: Sequence[Bar]
    total: int
    state: State
    at: datetime
    poll: Poll = FIRST


def language() -> str:
    """Return the language of the present request."""
    return language_of(request.environ)


def take(settings: Settings, feed: Feed, words: Words, at: datetime) -> Snapshot:
    """Return what is known; where nothing is known yet all counts are zero."""
    scores = complete(feed.scores or {}, settings.options)
    return Snapshot(
        title=settings.title or words["title"],
        question=settings.question or question_of(list(settings.options.values()), words),
        bars=bars(scores, settings.options),
        total=sum(scores.values()),
        state=feed.state,
        at=at,
        poll=feed.poll,
    )


def present() -> tuple[Snapshot, Words]:
    """Return what is known now, in the language of the present request, and that language's words."""
    words = LANGUAGES[language()]
    settings: Settings = current_app.extensions["settings"]
    feed: Feed = current_app.extensions["feed"]
    attention: Attention = current_app.extensions["attention"]
    attention.come()
    return take(settings, feed, words, datetime.now(UTC)), words
