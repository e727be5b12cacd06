"""The page in each of its states and languages."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Flask, render_template

from vote.ballot import served_after
from vote.poll import UNKNOWN, Poll
from vote.settings import Settings
from vote.words import LANGUAGES, isolated, question_of

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NO_STORE = ("Cache-Control", "no-store")
HTML = (("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", CONTENT_POLICY), NO_STORE)
JSON = (("Content-Type", "application/json"), NO_STORE)


class State(NamedTuple):
    """What a page says: of which choice, if any, that it is recorded or that it is not."""

    choice: str = ""
    recorded: bool = True


class Answer(NamedTuple):
    """A page as it leaves, with headers that are the caller's to add to."""

    headers: list[tuple[str, str]]
    body: bytes


Pages = Mapping[tuple[str, State], tuple[bytes, bytes]]
"""By language and state, what stands before and after the moment at which a page is served."""


class Page:
    """Everything rendered once for each poll: only the moment at which it is served differs."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self.options = settings.options
        self._app = app
        self._settings = settings
        self._container = socket.gethostname()
        self._rendered = (UNKNOWN, self._render_all(UNKNOWN))

    def answer(self, state: State, language: str, poll: Poll, seen: int) -> Answer:
        """Return the page as of now; a choice that is no longer offered is none.

        `seen` is the version of the last vote that its voter has seen recorded, 0 for none.
        """
        known = state if state.choice in self.options else State(recorded=state.recorded)
        before, after = self._pages_of(poll)[language, known]
        return _answer(HTML, b"%b%d%b" % (before, served_after(seen), after))

    def note(self, state: State, seen: int) -> Answer:
        """Return what the page's script wants to know instead of a page; `seen` as there."""
        name = self.options.get(state.choice)
        said = {**state._asdict(), "name": name, "served": served_after(seen), "container": self._container}
        return answer_with(said)

    def _pages_of(self, poll: Poll) -> Pages:
        of, pages = self._rendered
        if of != poll:
            pages = self._render_all(poll)
            self._rendered = (poll, pages)
        return pages

    def _render_all(self, poll: Poll) -> Pages:
        states = [State(choice, recorded) for choice in ("", *self.options) for recorded in (True, False)]
        with self._app.app_context():
            return {(of, state): self._render(of, state, poll) for of in LANGUAGES for state in states}

    def _render(self, language: str, state: State, poll: Poll) -> tuple[bytes, bytes]:
        words = LANGUAGES[language]
        moment = secrets.token_hex(16)
        html = render_template(
            "vote.html",
            language=language,
            words=words,
            title=self._settings.title or words["title"],
            question=self._settings.question or question_of(list(self.options.values()), words),
            options=self.options,
            state=state,
            named=isolated(self.options.get(state.choice, "")),
            container=self._container,
            served=moment,
            poll=poll,
            closes=datetime.fromtimestamp(poll.closes / 1000, UTC) if poll.closes else None,
            one_copy=not self._settings.queue_confirmations,
        )
        before, after = html.encode().split(moment.encode())
        return before, after


def answer_with(said: Mapping[str, object]) -> Answer:
    """Return what a script or a program wants to know instead of a page."""
    return _answer(JSON, json.dumps(said).encode())


def _answer(headers: tuple[tuple[str, str], ...], body: bytes) -> Answer:
    return Answer([*headers, ("Content-Length", str(len(body)))], body)
