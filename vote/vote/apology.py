"""Pages that tell of an error.

They carry their style within them: the edge also shows them in the place of the other page, when nothing else
of its host can be had.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

from flask import Flask, Response, render_template
from markupsafe import Markup

from vote.words import LANGUAGES, describe


class Apology:
    """Renders errors, with a content policy that allows for their own style and nothing else."""

    def __init__(self, app: Flask) -> None:
        self._style = (Path(app.root_path) / "static" / "page.css").read_text(encoding="utf-8")
        digest = b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )

    def of(self, code: int, reason: str, language: str) -> Response:
        """Return the page for a status code; a reason that words.toml has a sentence for comes first."""
        name, sentence = describe(code, reason, LANGUAGES[language])
        return self._page(language, name, sentence, code)

    def maintenance(self, language: str) -> Response:
        """Return the page that stands for one which is being worked on."""
        words = LANGUAGES[language]
        return self._page(language, words["maintenance_name"], words["maintenance"], 0)

    def _page(self, language: str, name: str, sentence: str, code: int) -> Response:
        html = render_template(
            "error.html",
            language=language,
            words=LANGUAGES[language],
            name=name,
            sentence=sentence,
            code=code,
            # Our own stylesheet, and markup that escapes nothing is what its digest was taken of.
            style=Markup(self._style),  # noqa: S704
        )
        return Response(html, headers=[("Content-Security-Policy", self._policy)], mimetype="text/html")
