"""The page in each of its states."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from typing import NamedTuple

from flask import Flask, render_template

from vote.ballot import wall_milliseconds

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", CONTENT_POLICY),
    ("Cache-Control", "no-store"),
)


class Answer(NamedTuple):
    """A page as it leaves, with headers that are the caller's to add to."""

    headers: list[tuple[str, str]]
    body: bytes


class Page:
    """Every state, rendered once: of two answers, only the moment at which they are served differs."""

    def __init__(self, app: Flask, options: Mapping[str, str]) -> None:
        self.options = options
        self._rendered: dict[tuple[str | None, bool], tuple[bytes, bytes]] = {}
        with app.app_context():
            for choice in (None, *options):
                for recorded in (True, False):
                    self._rendered[choice, recorded] = self._render(choice, recorded)

    def answer(self, choice: str | None, *, recorded: bool) -> Answer:
        """Return the page as of now."""
        before, after = self._rendered[choice, recorded]
        body = b"%b%d%b" % (before, wall_milliseconds(), after)
        return Answer([*HEADERS, ("Content-Length", str(len(body)))], body)

    def _render(self, choice: str | None, recorded: bool) -> tuple[bytes, bytes]:
        moment = secrets.token_hex(16)
        html = render_template(
            "vote.html",
            options=self.options,
            choice=choice,
            recorded=recorded,
            hostname=socket.gethostname(),
            served=moment,
        )
        before, after = html.encode().split(moment.encode())
        return before, after
