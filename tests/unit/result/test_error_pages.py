from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask


@pytest.mark.parametrize(
    ("method", "path", "language", "status", "parts"),
    [
        ("GET", "/nothing", "en", 404, ("No such page", "Back to the result", "Error 404", ">Result<")),
        ("GET", "/nothing", "fr", 404, ("Page introuvable", "Retour au résultat", "Erreur 404")),
        ("POST", "/", "en", 405, ("Not like this",)),
        ("GET", "/maintenance", "en", 503, ("right back", "Try again", "Error 503")),
        ("GET", "/maintenance", "fr", 503, ("Nous revenons", "Réessayer", 'lang="fr"')),
        ("GET", "/errors/429", "en", 200, ("Too many at once", "Try again", "Error 429")),
        ("GET", "/errors/502", "en", 200, ("does not answer", "Error 502")),
        ("GET", "/errors/503", "fr", 200, ("pas là pour le moment", "Erreur 503")),
        ("GET", "/errors/504", "en", 200, ("took too long", "Error 504")),
        ("GET", "/errors/500", "en", 404, ("Error 404",)),
        ("GET", "/errors/x", "en", 404, ("Error 404",)),
    ],
)
def test_errors_have_a_page(
    app: Flask, method: str, path: str, language: str, status: int, parts: tuple[str, ...]
) -> None:
    answer = app.test_client().open(path, method=method, headers={"Accept-Language": language})
    assert answer.status_code == status
    for part in parts:
        assert part in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_errors_carry_their_style_within_them(app: Flask) -> None:
    answer = app.test_client().get("/maintenance")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "--ground" in style


@pytest.mark.parametrize("path", ["/maintenance", "/errors/502"])
def test_a_page_for_every_host_names_no_service(app: Flask, make_app: Any, path: str) -> None:
    assert 'class="title"' not in app.test_client().get(path).text
    assert ">Party</p>" in make_app(title="Party").test_client().get(path).text


@pytest.mark.parametrize(
    ("told", "path"),
    [("", "/"), ("/result", "/result/"), ("/polls,/result", "/polls/result/"), ("/<b>", "/")],
)
@pytest.mark.parametrize("asked", ["/nothing", "/maintenance", "/errors/502"])
def test_errors_lead_back_under_the_prefix(app: Flask, asked: str, told: str, path: str) -> None:
    answer = app.test_client().get(asked, headers={"X-Forwarded-Prefix": told})
    assert f'<a class="back" href="{path}">' in answer.text


def test_redirects_lead_back_under_the_prefix(app: Flask) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/polls,/result"}
    answer = app.test_client().get("/static//page.css", base_url="http://example.org", headers=headers)
    assert answer.headers["Location"] == "https://example.org/polls/result/static/page.css"


def test_headers_that_belong_to_an_error_are_kept(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/maintenance").headers["Retry-After"] == "30"
    assert "GET" in client.post("/").headers["Allow"]
    assert client.get("/results.json").headers["Retry-After"] == "2"


def test_a_mistake_of_ours_has_a_page(app: Flask) -> None:
    app.extensions["feed"] = None
    answer = app.test_client().get("/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
